from django import forms

MOST_SEATS = 10


class BookingForm(forms.Form):
    """What a booking needs, from the page and from the API. Who names no seats books one."""

    event = forms.SlugField()
    name = forms.CharField(max_length=80)
    seats = forms.IntegerField(min_value=1, max_value=MOST_SEATS, required=False)
    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,64}$")

    def clean_seats(self):
        return self.cleaned_data["seats"] or 1
