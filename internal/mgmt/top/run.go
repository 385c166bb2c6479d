package top

import (
	"errors"
	"io"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"upppoe/internal/log/terminal"
	"upppoe/internal/mgmt/table"
)

// Terminal is where a view is shown.
type Terminal struct {
	In, Out *os.File
	// Count is the number of plain tables; 0: the view is interactive, or without a terminal there are
	// plain tables until interrupted.
	Count int
}

// RunServer shows a server's sessions until the user quits.
func RunServer(cfg ServerConfig, t Terminal) error { return t.run(newServerView(cfg, time.Now)) }

// RunClient shows clients until the user quits.
func RunClient(cfg ClientConfig, t Terminal) error { return t.run(newClientView(cfg, time.Now)) }

func (t Terminal) run(v view) error {
	if t.Count == 0 && t.isInteractive() {
		return t.interact(v)
	}
	width, _ := table.Size(t.Out)
	err := writePlain(t.Out, v, width, t.Count, time.Sleep)
	if errors.Is(err, unix.EPIPE) {
		return nil // the reader has what it wanted
	}
	return err
}

// isInteractive reports whether both files are a terminal whose cursor can be moved.
func (t Terminal) isInteractive() bool { return terminal.Is(t.In) && terminal.CanMove(t.Out) }

// firstPause is the time between the first two samples of plain tables, which need rates.
const firstPause = time.Second

// writePlain writes n tables, each at once; n of 0 is unlimited.
func writePlain(w io.Writer, v view, width, n int, sleep func(time.Duration)) error {
	if err := readNow(v); err != nil {
		return err
	}
	for i := 0; n == 0 || i < n; i++ {
		wait := v.pause()
		if i == 0 {
			wait = min(wait, firstPause)
		}
		sleep(wait)
		if err := readNow(v); err != nil {
			return err
		}
		text := v.plain(width)
		if i > 0 {
			text = "\n" + text
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}

func readNow(v view) error {
	began := time.Now()
	s, err := v.reader()()
	v.update(s, time.Since(began), err)
	return err
}

// model connects a view to bubbletea.
type model struct {
	view          view
	width, height int
	reading       bool
	again         bool // read again when the present reading is over
	timer         int  // number of the last timer: earlier ones are void
}

// Messages.
type (
	readMsg struct {
		sample sample
		took   time.Duration
		err    error
	}
	timerMsg int
	doneMsg  struct {
		text string
		err  error
	}
)

func (t Terminal) interact(v view) error {
	width, height := table.Size(t.Out)
	p := tea.NewProgram(&model{view: v, width: width, height: height}, tea.WithInput(t.In), tea.WithOutput(t.Out))
	if _, err := p.Run(); !errors.Is(err, tea.ErrInterrupted) {
		return err
	}
	return nil
}

func (m *model) Init() tea.Cmd { return m.read() }

// read starts to read a sample, unless that is in progress.
func (m *model) read() tea.Cmd {
	if m.again = m.reading; m.reading {
		return nil
	}
	m.reading = true
	read := m.view.reader()
	return func() tea.Msg {
		began := time.Now()
		s, err := read()
		return readMsg{s, time.Since(began), err}
	}
}

func (m *model) isPaused() bool { return m.view.pause() < 0 }

// wait sets the timer for the next sample.
func (m *model) wait() tea.Cmd {
	pause := m.view.pause()
	m.timer++
	if pause < 0 {
		return nil
	}
	number := timerMsg(m.timer)
	return tea.Tick(pause, func(time.Time) tea.Msg { return number })
}

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.handleKey(msg)
	case readMsg:
		m.reading = false
		if m.isPaused() {
			return m, nil
		}
		m.view.update(msg.sample, msg.took, msg.err)
		if m.again {
			return m, m.read()
		}
		return m, m.wait()
	case timerMsg:
		if int(msg) == m.timer && !m.isPaused() {
			return m, m.read()
		}
	case doneMsg:
		m.view.done(msg.text, msg.err)
		if !m.isPaused() {
			return m, m.read()
		}
	}
	return m, nil
}

func (m *model) handleKey(k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if key == "ctrl+z" {
		return tea.Suspend
	}
	switch a := m.view.handleKey(key, k.Text); {
	case a.quit:
		return tea.Quit
	case a.do != nil:
		return func() tea.Msg {
			text, err := a.do()
			return doneMsg{text, err}
		}
	case a.read:
		return m.read()
	}
	return nil
}

// codes are the ANSI sequences of styles. Bubbletea removes colours where the terminal has none.
var codes = map[Style]string{Bold: "\x1b[1m", Reverse: "\x1b[7m", Alarm: "\x1b[1;31m"}

func (m *model) View() tea.View {
	var b strings.Builder
	for i, line := range m.view.lines(m.width, m.height) {
		if i > 0 {
			b.WriteByte('\n')
		}
		text := line.Text
		if code := codes[line.Style]; code != "" {
			if line.Style == Reverse {
				text += strings.Repeat(" ", max(0, m.width-table.Width(text)))
			}
			text = code + text + "\x1b[m"
		}
		b.WriteString(text)
	}
	v := tea.NewView(b.String())
	v.AltScreen = true
	return v
}
