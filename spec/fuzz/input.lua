-- A fuzzer's input, read from its front; behind its end all bytes are 0.

local input = {}

local text, at

function input.begin(given)
  text, at = given, 1
end

function input.byte()
  at = at + 1
  return text:byte(at - 1) or 0
end

-- As many as there are, at most so many.
function input.bytes(count)
  local some = text:sub(at, at + count - 1)
  at = at + count
  return some
end

function input.rest()
  return input.bytes(#text)
end

function input.is_over()
  return at > #text
end

function input.pick(list)
  return list[input.byte() % #list + 1]
end

return input
