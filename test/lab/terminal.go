package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/vt"
	"golang.org/x/sys/unix"
)

// Terminal is a pseudo-terminal, and the screen that what is written to it would make. Its methods may
// be called concurrently.
type Terminal struct {
	master, tty *os.File
	mu          sync.Mutex
	screen      *vt.Emulator
	shown       bool          // the cursor is visible
	changed     chan struct{} // of capacity 1: the screen has changed
}

// OpenTerminal opens a terminal. The caller must close it.
func OpenTerminal(columns, lines int) (*Terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t := &Terminal{master: master, screen: vt.NewEmulator(columns, lines), shown: true, changed: make(chan struct{}, 1)}
	t.screen.SetCallbacks(vt.Callbacks{CursorVisibility: func(visible bool) { t.shown = visible }})
	if err := t.openTTY(); err != nil {
		master.Close()
		return nil, err
	}
	// Both end with Close.
	go t.read()
	go io.Copy(master, t.screen) // what a terminal answers to queries
	return t, t.Resize(columns, lines)
}

// openTTY opens the side of programs.
func (t *Terminal) openTTY() error {
	number, err := unix.IoctlGetInt(int(t.master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(t.master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		t.tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	return err
}

func (t *Terminal) read() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := t.master.Read(buffer)
		if err != nil {
			return
		}
		t.mu.Lock()
		t.screen.Write(buffer[:n])
		t.mu.Unlock()
		select {
		case t.changed <- struct{}{}:
		default:
		}
	}
}

// Close closes the terminal.
func (t *Terminal) Close() error {
	// Not Emulator.Close: it must not be called while Read is.
	answers := t.screen.InputPipe().(io.Closer)
	return errors.Join(t.tty.Close(), t.master.Close(), answers.Close())
}

// Attach makes the terminal that of a program, before it is started.
func (t *Terminal) Attach(cmd *exec.Cmd) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.tty, t.tty, t.tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

// Resize changes the size.
func (t *Terminal) Resize(columns, lines int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.screen.Resize(columns, lines)
	return unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(lines), Col: uint16(columns)})
}

// Type sends text as if it were typed.
func (t *Terminal) Type(text string) error {
	_, err := t.master.WriteString(text)
	return err
}

// Screen returns the text on the screen.
func (t *Terminal) Screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.String()
}

// Await waits until the screen matches a regular expression. It fails after a minute.
func (t *Terminal) Await(pattern string) error {
	re := regexp.MustCompile(pattern)
	timeout := time.After(outputTimeout)
	for !re.MatchString(t.Screen()) {
		select {
		case <-t.changed:
		case <-timeout:
			return fmt.Errorf("the screen did not show %q within %v; it is\n%s", pattern, outputTimeout, t.Screen())
		}
	}
	return nil
}

// State is what a program must restore.
type State struct {
	Settings     unix.Termios
	AltScreen    bool
	CursorHidden bool
}

// State returns what the terminal's present program has set.
func (t *Terminal) State() (s State, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	settings, err := unix.IoctlGetTermios(int(t.tty.Fd()), unix.TCGETS)
	if err != nil {
		return s, err
	}
	return State{*settings, t.screen.IsAltScreen(), !t.shown}, nil
}
