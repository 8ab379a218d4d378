-- One small valid picture, 16 wide and 8 high, of each format that the service might send in place of PNG.

local mime = require "mime"

local samples = {
    jpeg = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ"
        .. "EBAQEBAQEBAQEBD/wAALCAAIABABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8A"
        .. "D//Z",
    gif = "R0lGODlhEAAIAIEAACBgwPDAQAAAAAAAACwAAAAAEAAIAAACSQyIMCDCgAgDIgyIMCDCgAgDIgyIMCDCgAgDIgyIMCDCgAgDIgyIMCDC"
        .. "gAgDIgyIMCDCgAgDIgyIMCDCgAgDIgyIMCDCgAgDIgUAOw==",
    webp = "UklGRhoAAABXRUJQVlA4TA0AAAAvD8ABEAcQERGIiP4HAA==",
}

for format, text in pairs(samples) do
    samples[format] = mime.unb64(text)
end

return samples
