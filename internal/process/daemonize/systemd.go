package daemonize

import (
	"net"
	"os"
)

// NotifySystemd sends a state, like READY=1, to the service manager (sd_notify(3)). Without one it
// does nothing.
func NotifySystemd(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}
