package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/servercontrol"
)

// Errors of commands to a running server, which have exit codes of their own.
var (
	errNoServer       = errors.New("no pppoe-server is running")
	errSeveralServers = errors.New("several servers are running")
	errNoSession      = errors.New("no session matches")
	errAmbiguous      = errors.New("several sessions match")
)

// answerTimeout is the time in which a server must answer completely.
const answerTimeout = time.Minute

// addSocketFlag adds the flag that selects a server.
func addSocketFlag(set *pflag.FlagSet, socket *string) {
	set.StringVar(socket, "socket", "", "control socket of the `SERVER` (default: the only one in "+control.Dir+")")
}

// findSocket returns the socket of the server: the one that is named, or the only one.
func findSocket(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	all, err := control.Sockets(sockets, socketName+"*")
	switch {
	case err != nil:
		return "", err
	case len(all) == 0:
		return "", fmt.Errorf("%w, or it has no control socket in %s: give --socket", errNoServer, sockets)
	case len(all) > 1:
		return "", severalServers(all)
	}
	return all[0], nil
}

// severalServers returns an error that lists servers.
func severalServers(all []string) error {
	var b strings.Builder
	for _, path := range all {
		fmt.Fprintf(&b, "\n  --socket %s", path)
		if s, err := serverStatus(path); err == nil {
			fmt.Fprintf(&b, "  (%s on %s, process %d)", s.ACName, strings.Join(s.Interfaces, ", "), s.PID)
		}
	}
	return fmt.Errorf("%w: give one of%s", errSeveralServers, b.String())
}

func serverStatus(socket string) (s servercontrol.Status, err error) {
	var text bytes.Buffer
	if err := control.RequestAt(socket, "status", &text, answerTimeout); err != nil {
		return s, requestError(socket, err)
	}
	if json.Unmarshal(text.Bytes(), &s) != nil {
		return s, fmt.Errorf("%s: %s", socket, strings.TrimSpace(text.String()))
	}
	s.Socket = socket
	return s, nil
}

// ask sends a request with its arguments to the server, and calls row with each row of the response.
func ask(socket, request string, arguments any, row func(line []byte) error) (servercontrol.Result, error) {
	return askWithin(answerTimeout, socket, request, arguments, row)
}

// askWithin is ask with another timeout.
func askWithin(timeout time.Duration, socket, request string, arguments any, row func(line []byte) error) (servercontrol.Result, error) {
	text, err := json.Marshal(arguments)
	if err != nil {
		return servercontrol.Result{}, err
	}
	in, out := io.Pipe()
	// Ends with the response, or when in is closed.
	go func() { out.CloseWithError(control.RequestAt(socket, request+" "+string(text), out, timeout)) }()
	defer in.Close()
	result, err := readResponse(in, row)
	if err != nil {
		err = requestError(socket, err)
	}
	return result, err
}

// maxRow is more than a row may take.
const maxRow = 1 << 20

// readResponse reads rows and the Result after them.
func readResponse(from io.Reader, row func(line []byte) error) (result servercontrol.Result, err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 64<<10), maxRow)
	var last []byte
	for lines.Scan() {
		if last != nil {
			if err := row(last); err != nil {
				return result, err
			}
		}
		last = append(last[:0], lines.Bytes()...)
	}
	if err := lines.Err(); err != nil {
		return result, err
	}
	switch {
	case len(last) > 0 && last[0] != '{': // why the server refuses the connection
		return result, errors.New(string(last))
	case json.Unmarshal(last, &result) != nil || !result.Done && result.Error == "":
		return result, errors.New("the server has ended, or has given up to respond, before its response was complete")
	}
	return result, resultError(result)
}

// requestError explains the error of a request.
func requestError(socket string, err error) error {
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%w at %s: %w", errNoServer, socket, err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: run as root, or as a member of the group of --control-group", err)
	}
	return err
}

// resultError returns the error of a response; nil: none.
func resultError(r servercontrol.Result) error {
	switch r.Code {
	case servercontrol.CodeNoSession:
		return errNoSession
	case servercontrol.CodeAmbiguous:
		text := fmt.Errorf("%w: name one, or give --all", errAmbiguous)
		for _, m := range r.Matches {
			text = fmt.Errorf("%w\n  %s", text, m)
		}
		return text
	case servercontrol.CodeInvalid:
		return &pppd.Error{Message: r.Error}
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	return nil
}

// commandExit prints a command's error and returns its exit code.
func commandExit(err error) int {
	if err != nil {
		return fail(err)
	}
	return exitOK
}
