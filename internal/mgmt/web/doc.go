// Package web serves a page, in HTML, that shows a server to its operators: sessions, set-ups and failures
// over time, pools, and events as they happen. It also ends sessions, if that is allowed.
//
// The page reads the answers of package servercontrol as JSON, and server-sent events. What peers and relay
// agents have sent is text in it, never HTML.
//
// Who reaches the address and has the token, if there is one, may read everything. Other web pages in the
// operator's browser may not: requests must name the server by an address or an allowed name (DNS
// rebinding), come from the page itself (Sec-Fetch-Site, Origin), and to end a session carry a value that
// only the page can read (CSRF).
package web
