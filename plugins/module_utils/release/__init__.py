# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The road of a release on the server: look, prepare, run jobs, switch, finish.

Each part is one visit of the controller. What the running proxy and the engine say is the truth; records come after
it. DESIGN.md section 5 has the steps.
"""
