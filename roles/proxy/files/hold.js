// Copyright (c) the switchyard.stacks contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// What nginx's configuration cannot say of a stack that is held: that a request waits until it opens again. (njs
// reference: r.internalRedirect, setTimeout, fs.) The body of the request was read before, so that it can be sent on.

import fs from 'fs';

const STEP = 20;

function held(flag) {
    try {
        fs.accessSync(flag);
        return true;
    } catch (missing) {
        return false;
    }
}

async function wait(r) {
    const flag = `/etc/switchyard/flags/${r.variables.sy_stack}.held`;
    const end = Date.now() + 1000 * Number(r.variables.sy_hold_timeout);
    while (held(flag) && Date.now() < end) {
        await new Promise((done) => setTimeout(done, STEP));
    }
    // From the start again: another color may be live now. What is still held gets the page.
    r.internalRedirect('/.switchyard/waited');
}

export default { wait };
