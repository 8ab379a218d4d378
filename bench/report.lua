-- Medians, and what is printed of them.

local report = {}

function report.median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  return #sorted % 2 == 1 and sorted[middle + 1] or (sorted[middle] + sorted[middle + 1]) / 2
end

-- The median of how far the values are from their median.
function report.spread(values)
  local median, distances = report.median(values), {}
  for i, value in ipairs(values) do
    distances[i] = math.abs(value - median)
  end
  return report.median(distances)
end

-- Characters, not bytes, of a cell.
local function width(text)
  return utf8.len(text) or #text
end

-- Rows of cells; the first column stands left, the others right.
function report.table(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, width(cell))
    end
  end
  for _, row in ipairs(rows) do
    local line = {}
    for i, cell in ipairs(row) do
      local space = (" "):rep(widths[i] - width(cell))
      line[i] = i == 1 and cell .. space or space .. cell
    end
    print((table.concat(line, "  "):gsub("%s+$", "")))
  end
end

local PLOT = [[
set terminal pngcairo size 1100,620 font "sans,11"
set output "%s"
set title "CPU per picture of %.1f MB, less is better"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 border -1
set boxwidth 0.9
set ylabel "milliseconds"
set yrange [0:*]
set offsets graph 0, 0, 0.1, 0
set grid ytics
set key top left
set xtics rotate by -20
set datafile missing "-"
plot for [column=2:%d] "%s" using column:xticlabels(1) title columnheader(column), \
  for [column=2:%d] "%s" using ($0 - 1 + (column - 3) * 0.25):column:(sprintf("%%.1f", column(column))) \
  with labels offset 0,0.6 font ",8" notitle
]]

-- rows: {name, CPU in seconds or nil for each of the ways}.
function report.plot(path, scratch, bytes, ways, rows)
  local lines = {}
  local header = {'""'}
  for i, way in ipairs(ways) do
    header[i + 1] = ('"%s"'):format(way)
  end
  lines[1] = table.concat(header, " ")
  for _, row in ipairs(rows) do
    local line = {('"%s"'):format(row.name)}
    for i = 1, #ways do
      line[i + 1] = row[i] and ("%.4f"):format(row[i] * 1e3) or "-"
    end
    lines[#lines + 1] = table.concat(line, " ")
  end
  local data, script = scratch .. "/plot.dat", scratch .. "/plot.gnuplot"
  local columns = #ways + 1
  for name, text in pairs {
    [data] = table.concat(lines, "\n") .. "\n",
    [script] = PLOT:format(path, bytes / 1e6, columns, data, columns, data),
  } do
    local file = assert(io.open(name, "w"))
    file:write(text)
    file:close()
  end
  return os.execute(("gnuplot '%s' 2>'%s/gnuplot.log'"):format(script, scratch))
end

return report
