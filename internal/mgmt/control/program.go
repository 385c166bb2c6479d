package control

import (
	"fmt"
	"os"
	"path/filepath"
)

// ClientHandler is the Handler of a client. Its methods are called concurrently.
type ClientHandler interface {
	Handler
	// Stop and HangUp start what they say, and do not wait for it.
	Stop()
	HangUp()
	// RecentEvents returns the last events, each a line of JSON.
	RecentEvents() []byte
}

// ListenClient opens the socket of a client in a directory, named after its process ID. Only root and
// the program's user can connect. Its requests are in addition: stop, whose response ends with the
// client; hangup; and recent, the last events.
func ListenClient(dir string, handler ClientHandler, log *LogRing) (*Server, error) {
	return Listen(Config{
		Path: filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid())), Handler: handler, Log: log,
		Requests: map[string]func(*Call){
			"stop":   func(c *Call) { handler.Stop(); c.WaitForEnd() },
			"hangup": func(*Call) { handler.HangUp() },
			"recent": func(c *Call) { c.Write(handler.RecentEvents()) },
		},
	})
}
