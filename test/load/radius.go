package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"

	"upppoe/test/freeradius"
)

// radiusConfig is the server's file: the interface, the number of sessions, and the directory of its files.
const radiusConfig = `
[server]
ac-name = "load"
foreground = true
[[interface]]
name = "%[1]s"
[device]
mode = "shared"
[sessions]
max = %[2]d
[ppp]
echo-interval = "30s"
echo-failures = 3
[ipv4]
local-address = "10.0.0.1"
first-address = "10.1.0.0"
[authentication]
methods = ["chap"]
[[radius-server]]
address = "127.0.0.1"
secret = "` + freeradius.Secret + `"
[accounting]
spool = "%[3]s/accounting.db"
[state]
file = "%[3]s/sessions.log"
[control]
socket = "none"
`

// startRADIUS starts FreeRADIUS beside the server, and returns the server's arguments.
func (s *selfTest) startRADIUS() (args []string, err error) {
	dir := filepath.Join(s.dir, "freeradius")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	s.radius, err = freeradius.New(dir, freeradius.Options{
		Users: fmt.Sprintf("DEFAULT Cleartext-Password := %q\n\tMikrotik-Rate-Limit = \"10M/50M\", Class = 0x01\n", s.o.Password),
		Addr:  netip.AddrFrom4([4]byte{127, 0, 0, 1}), Quiet: true,
		Launch: func(cmd *exec.Cmd) error { return s.servers.Start(cmd) },
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.dir, "server.toml")
	err = os.WriteFile(file, fmt.Appendf(nil, radiusConfig, serverEnd, min(s.o.Addresses(), 65534), s.dir), 0o600)
	return []string{"--config", file}, err
}
