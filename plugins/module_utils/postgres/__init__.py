# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL servers: connections, roles, tenants, lockouts and what a database holds.

Code that a tenant stored in its database runs with the tenant's rights only: every session in such a database, every
dump and every load uses a temporary role that is a member of the database's owner and of nothing else. The superuser
neither dumps, counts nor loads.
"""
