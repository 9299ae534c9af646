-- Copyright (c) the switchyard.stacks contributors
-- GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What HAProxy's rules cannot say of a body that does not tell its length: that it ends where it becomes too long.
-- (HAProxy's Lua reference: Filter class, HTTPMessage class.)

local Body = {}
Body.__index = Body
Body.id = "max_body_size"
Body.flags = filter.FLT_CFG_FL_HTX

function Body:new()
    return setmetatable({ seen = 0 }, Body)
end

-- Only the bodies that a rule has not compared by their length are looked at.
function Body:http_headers(txn, message)
    if message:is_resp() then
        return
    end
    self.most = txn:get_var("txn.max_body_size")
    if self.most and not message:get_headers()["content-length"] then
        filter.register_data_filter(self, message.channel)
    end
end

function Body:http_payload(txn, message)
    self.seen = self.seen + #(message:body() or "")
    if self.seen > self.most then
        txn:set_var("txn.body_over", true)
        return filter.ERROR
    end
end

core.register_filter("max_body_size", Body, function(body)
    return body
end)
