-- Whole files, the words of shell commands, and the process's own figures. It needs nothing, so that who starts other
-- programs can have it too.

local files = {}

function files.quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

-- The words of a shell command.
function files.words(...)
  local quoted = {}
  for i, word in ipairs {...} do
    quoted[i] = files.quote(word)
  end
  return table.concat(quoted, " ")
end

function files.read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a")
  if file then
    file:close()
  end
  return text
end

function files.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

-- A number of the process's own status, as the kernel counts it; nil where there is no /proc. In KiB for memory.
function files.status(name)
  local text = files.read "/proc/self/status"
  return text and tonumber(text:match(name .. ":%s*(%d+)"))
end

return files
