-- Copyright (c) the switchyard.stacks contributors
-- GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What HAProxy's rules cannot say of a stack that is closed: that a request waits until it opens again, and a page
-- whose text changes without a reload. (HAProxy's Lua reference: Map, core.register_action, core.register_service.)

local AVAILABILITY = "/etc/switchyard/maps/availability.map"
local PAGES = "/etc/switchyard/pages/"
local STEP = 0.02

-- The map of the running process: it changes here in the moment in which a command changes it.
local availability = Map.new(AVAILABILITY, Map._str)

-- http-request lua.hold <seconds>: go on when the stack is open, or when the time is over.
core.register_action("hold", { "http-req" }, function(txn, seconds)
    local stack = txn:get_var("txn.stack")
    local remaining = tonumber(seconds)
    while remaining > 0 and availability:lookup(stack) == "held" do
        core.msleep(STEP * 1000)
        remaining = remaining - STEP
    end
    txn:set_var("txn.availability", availability:lookup(stack) or "")
end, 1)

local function read(name)
    local file = io.open(PAGES .. name .. ".html", "rb")
    if not file then
        return nil
    end
    local text = file:read("*a")
    file:close()
    return text
end

-- http-request use-service lua.page: the page of the stack, or of the whole server.
core.register_service("page", "http", function(applet)
    local kind = applet:get_var("txn.page")
    local stack = applet:get_var("txn.stack")
    local body = read(stack .. "." .. kind) or read(kind) or "This application is not available at the moment.\n"
    applet:set_status(503)
    applet:add_header("content-type", "text/html; charset=utf-8")
    applet:add_header("content-length", tostring(#body))
    applet:add_header("retry-after", applet:get_var("txn.retry_after") or "30")
    applet:add_header("cache-control", "no-store")
    applet:start_response()
    if applet.method ~= "HEAD" then
        applet:send(body)
    end
end)
