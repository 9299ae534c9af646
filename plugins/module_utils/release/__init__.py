# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The path of a release on the server: preflight, prepare, start, gates, switch, finish.

Each part is one visit of the controller. The running proxy and the engine are the truth; records describe it. The steps
are in docs/architecture.md.
"""
