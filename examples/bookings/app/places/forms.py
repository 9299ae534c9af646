from django import forms


class BookingForm(forms.Form):
    """What a booking needs, from the page and from the API."""

    event = forms.SlugField()
    name = forms.CharField(max_length=80)
    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,64}$")
