package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"

	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/status"
)

// follow copies the endless answers of clients to standard output, all at once. Where there are several,
// mark adds a client's name to each of its lines.
func follow(found []status.Status, request string, mark func(name string, line []byte) []byte) error {
	return followAll(found, os.Stdout, mark, func(pid int, to io.Writer) error {
		return control.Request(sockets, pid, request, to, 0)
	})
}

func followAll(found []status.Status, to io.Writer, mark func(name string, line []byte) []byte, request func(pid int, to io.Writer) error) error {
	var output sync.Mutex
	var running sync.WaitGroup
	errs := make([]error, len(found))
	for i, s := range found {
		out := to
		if len(found) > 1 {
			name := cmp.Or(s.Call, s.Link, s.Device, s.Attachment, strconv.Itoa(s.PID))
			out = &lineMarker{lock: &output, to: to, mark: func(line []byte) []byte { return mark(name, line) }}
		}
		running.Go(func() {
			if err := request(s.PID, out); err != nil {
				errs[i] = fmt.Errorf("process %d: %w", s.PID, err)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// lineMarker writes whole lines, each with a mark, to a writer that it shares with others.
type lineMarker struct {
	lock *sync.Mutex
	to   io.Writer
	mark func(line []byte) []byte
	rest []byte // the begun line
}

func (m *lineMarker) Write(b []byte) (int, error) {
	m.rest = append(m.rest, b...)
	for {
		end := bytes.IndexByte(m.rest, '\n') + 1
		if end == 0 {
			return len(b), nil
		}
		if err := m.writeLine(m.rest[:end]); err != nil {
			return 0, err
		}
		m.rest = m.rest[end:]
	}
}

func (m *lineMarker) writeLine(line []byte) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	_, err := m.to.Write(m.mark(line))
	return err
}

// markLog puts a client's name before a line of its log.
func markLog(name string, line []byte) []byte { return append([]byte(name+": "), line...) }

// markEvent adds a client's name to an event, which is a JSON object, as member client.
func markEvent(name string, line []byte) []byte {
	fields, ok := bytes.CutPrefix(line, []byte("{"))
	if !ok {
		return line
	}
	marked := append([]byte(`{"client":`), object(name)...)
	return append(append(marked, ','), fields...)
}
