package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"upppoe/internal/hostnet"
	"upppoe/internal/pppd"
	"upppoe/internal/secrets"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
)

// etc is where pppd's files lie.
var etc = "/etc/ppp" // tests have their own

// config is what the settings mean for a client.
func config(s *pppd.Settings, log *slog.Logger) (pppoe.ClientConfig, error) {
	who, err := credentials(s, log)
	if err != nil {
		return pppoe.ClientConfig{}, err
	}
	discovery, err := discovery(s)
	if err != nil {
		return pppoe.ClientConfig{}, err
	}
	if s.Auth {
		return pppoe.ClientConfig{}, &pppd.Error{Message: "a client that demands proof of its concentrator is not supported yet: say noauth"}
	}
	c := pppoe.ClientConfig{
		Interface: s.Interface,
		Listen:    func() (pppoe.Ports, error) { return afpacket.OpenPorts(afpacket.Line{Interface: s.Interface}) },
		Discovery: discovery,
		Session:   s.Session(),
		Host:      host(s, log),
		Redial:    redial(s),
		Trace:     s.Debug,
	}
	c.Session.Credentials = who
	if who.Name != "" {
		c.Session.LCP.Answer = s.Answer()
	}
	return c, nil
}

func discovery(s *pppd.Settings) (pppoe.HostConfig, error) {
	c := pppoe.HostConfig{
		Service: s.Service, OmitService: s.OmitService, ACNames: s.ACNames, HostUniq: s.HostUniq,
		MaxPayload: max(s.MRU, s.MTU), Timeout: s.PADITimeout, Attempts: s.PADIAttempts,
		Rand: rand.Reader,
	}
	if s.ACAddr != "" {
		addr, err := pppoe.ParseAddr(s.ACAddr)
		if err != nil {
			return c, &pppd.Error{Message: "option \"pppoe-mac\": " + err.Error()}
		}
		c.AC = addr
	}
	return c, nil
}

func host(s *pppd.Settings, log *slog.Logger) *hostnet.Host {
	h := &hostnet.Host{Name: deviceName(s), MTU: s.MTU, DefaultRoute: s.DefaultRoute, Log: log}
	if s.UsePeerDNS {
		h.ResolvConf = filepath.Join(etc, "resolv.conf")
	}
	return h
}

// deviceName is the name wanted for the device; empty: any.
func deviceName(s *pppd.Settings) string {
	if s.IfName == "" && s.Unit >= 0 {
		return fmt.Sprintf("ppp%d", s.Unit)
	}
	return s.IfName
}

// redial turns pppd's numbers, in which 0 is one of them, into Redial's, in which 0
// is the default.
func redial(s *pppd.Settings) pppoe.Redial {
	r := pppoe.Redial{Persist: s.Persist, Holdoff: s.Holdoff, MaxFail: s.MaxFail}
	if r.MaxFail == 0 {
		r.MaxFail = -1
	}
	if r.Holdoff == 0 {
		r.Holdoff = -time.Nanosecond
	}
	return r
}

// credentials are who we are: the password given, or else that of the secrets
// files. Without a name we prove nothing to nobody.
func credentials(s *pppd.Settings, log *slog.Logger) (ppp.Credentials, error) {
	c := ppp.Credentials{Name: s.User}
	if c.Name == "" {
		c.Name = s.Name
	}
	password, given, err := password(s)
	if err != nil {
		return c, err
	}
	if given {
		c.Secret = func(string) ([]byte, bool) { return password, true }
		return c, nil
	}
	c.Secret, err = fromFiles(c.Name, s.RemoteName, log)
	return c, err
}

// defaultEnv is the environment variable that may hold the password.
const defaultEnv = "PPPOE_PASSWORD"

// password is the one given, wherever that was: the most careful way first.
func password(s *pppd.Settings) ([]byte, bool, error) {
	env := s.PasswordEnv
	if env == "" {
		env = defaultEnv
	}
	value, set := os.LookupEnv(env)
	switch {
	case s.PasswordFile != "":
		line, err := secrets.FirstLine(s.PasswordFile)
		if err != nil {
			return nil, false, fmt.Errorf("password-file: %w", err)
		}
		return line, true, nil
	case s.PasswordEnv != "" && !set:
		return nil, false, &pppd.Error{Message: fmt.Sprintf("option \"password-env\": there is no environment variable %s", env)}
	case set && (s.PasswordEnv != "" || !s.HasPassword):
		return []byte(value), true, nil
	}
	return []byte(s.Password), s.HasPassword, nil
}

// fromFiles looks secrets up as pppd does: by our name, and the peer's if that is
// told.
func fromFiles(name, remote string, log *slog.Logger) (func(string) ([]byte, bool), error) {
	var files []*secrets.File
	for _, base := range []string{"chap-secrets", "pap-secrets"} {
		f, warnings, err := secrets.Load(filepath.Join(etc, base))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		}
		for _, w := range warnings {
			log.Warn(w)
		}
		files = append(files, f)
	}
	return func(peer string) ([]byte, bool) {
		if remote != "" {
			peer = remote
		}
		for _, f := range files {
			if e, ok := f.Lookup(name, peer); ok {
				return e.Secret, true
			}
		}
		return nil, false
	}, nil
}

func wantsHelp(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "--help" || a == "help" {
			return true
		}
	}
	return false
}

func help() int {
	fmt.Print(strings.TrimLeft(usage, "\n"))
	fmt.Println("\nExit codes:")
	for _, e := range exits {
		fmt.Printf("  %-28d %s\n", e.code, e.meaning)
	}
	pppd.WriteHelp(os.Stdout, pppd.Client)
	return exitOK
}

const usage = `
pppoe-client dials a PPPoE session without PPP in the kernel.

  pppoe-client eth0 user alice password-file /etc/ppp/alice defaultroute
  pppoe-client call my-provider        (options from /etc/ppp/peers/my-provider)
  pppoe-client stop my-provider        (hang up again)

Options are pppd's words, in files and on the command line; there, --user alice and
--user=alice do as well. It needs root, or CAP_NET_RAW and CAP_NET_ADMIN, and
/dev/net/tun. Once online it goes to the background, unless told nodetach. With
--man it prints its manual page.
`
