package control

import "net"

// Call is a request of Config.Requests that is being handled.
type Call struct {
	Arguments string // what follows the request's name
	server    *Server
	conn      net.Conn
}

// Write sends a part of the response. A reader that does not read for a minute is disconnected, which
// is an error.
func (c *Call) Write(b []byte) (int, error) {
	if err := write(c.conn, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// WaitForEnd waits until the Server or the connection is closed.
func (c *Call) WaitForEnd() { wait(c.conn, c.server.closed) }
