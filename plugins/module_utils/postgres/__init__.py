# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verified backups of a PostgreSQL database, and the restore that swaps it in.

A backup is a folder with a dump and a manifest, and counts as verified after it was restored into a throwaway server
and compared. A restore loads a new database beside the old one and renames both. What a tenant planted in its database
runs with the tenant's rights only: every session in it, and every restore, is a login of one run that is a member of
the owner and nothing else. The superuser dumps nothing, counts nothing and loads nothing.
"""
