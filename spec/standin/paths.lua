-- Where Debian and Ubuntu hide what the stand-in needs: they install lua-http and three small modules of its own below
-- the folders of other Luas only (5.3, 5.2, and of newer releases one in 5.1's), although all of them run under 5.4.
-- Elsewhere these entries name nothing and do no harm.
package.path = package.path .. ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.2/?.lua;/usr/share/lua/5.1/?.lua"
