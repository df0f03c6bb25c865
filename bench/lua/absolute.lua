-- Asks a proxy by the whole URL of the origin, which is the first word behind the URL of the proxy.
function init(words)
  wrk.path = words[1]
  wrk.headers["Host"] = string.match(words[1], "http://([^/]+)")
end
