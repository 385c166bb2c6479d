package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/pppoe"
)

// sockets is the directory of control sockets.
var sockets = control.Dir

// controlFlags are the flags of the control socket.
type controlFlags struct {
	socket string // empty: the default
	group  string
}

// socketName is the name of the control socket by default.
const socketName = "pppoe-server"

// controlSocket is the control socket of a running server. Without one its methods do nothing.
type controlSocket struct {
	program *servercontrol.Program
	socket  *control.Server // nil: there is none
}

// openControl opens the control socket, as long as the program may still change its group. Requests
// wait until start. One that a flag asks for must be opened; without the default one the server runs.
func openControl(f serverconfig.Control, inherited *os.File, ring *control.LogRing, log *slog.Logger) (*controlSocket, error) {
	c := &controlSocket{program: &servercontrol.Program{}}
	if f.Socket == serverconfig.NoSocket {
		return c, nil
	}
	group, err := groupID(f.Group)
	if err != nil {
		return nil, err
	}
	cfg := control.Config{Group: group, Handler: c.program, Log: ring, Requests: c.program.Requests(), Inherited: inherited}
	cfg.Path = cmp.Or(f.Socket, control.InheritedPath(inherited, sockets), filepath.Join(sockets, socketName+".sock"))
	c.socket, err = control.Open(cfg)
	if errors.Is(err, unix.EADDRINUSE) && f.Socket == "" { // of another server
		cfg.Path = filepath.Join(sockets, fmt.Sprintf("%s-%d.sock", socketName, os.Getpid()))
		c.socket, err = control.Open(cfg)
	}
	switch {
	case err == nil:
		return c, nil
	case f == serverconfig.Control{}:
		log.Warn(fmt.Sprintf("pppoe-server status and other commands will not find this server: %v", err))
		return c, nil
	}
	return nil, fmt.Errorf("control socket: %w", err)
}

// groupID returns the ID of a group; 0: none is named.
func groupID(name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, &pppd.Error{Message: fmt.Sprintf("control group %q: there is no such group: create it (groupadd --system %s), or name another", name, name)}
	}
	return strconv.Atoi(g.Gid)
}

// start begins to handle requests.
func (c *controlSocket) start(server servercontrol.Server, info servercontrol.Info, reload func() ([]string, error), pools func() []servercontrol.Pool) {
	info.Since = time.Now()
	c.program.Server, c.program.Info, c.program.Reload, c.program.Pools = server, info, reload, pools
	if c.socket != nil {
		c.socket.Start()
	}
}

// notify passes an event to those who follow them. It does not block.
func (c *controlSocket) notify(l pppoe.SessionInfo, e pppoe.Event) {
	if c.socket == nil || !c.socket.HasSubscribers() {
		return
	}
	if line := servercontrol.EventLine(l, e); line != nil {
		c.socket.Publish(line)
	}
}

// listener returns another descriptor of the socket; nil: there is none.
func (c *controlSocket) listener() (*os.File, error) {
	if c.socket == nil {
		return nil, nil
	}
	return c.socket.Listener()
}

// leave leaves the socket to a successor. Requests go on.
func (c *controlSocket) leave() {
	if c.socket != nil {
		c.socket.Leave()
	}
}

func (c *controlSocket) close() {
	if c.socket != nil {
		c.socket.Close()
	}
}
