-- Whole files, and the words of shell commands. It needs nothing, so that who starts other programs can have it too.

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

return files
