# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verified backups of PostgreSQL databases: create, verify, restore, retain, copy off-site.

A backup is a folder with a dump and a manifest. It counts as verified after it was restored into a scratch server and
compared row by row. A restore loads a new database and swaps it with the live one by renaming both.
"""
