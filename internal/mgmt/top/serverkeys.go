package top

import (
	"fmt"

	"upppoe/internal/mgmt/sessiontable"
)

func (v *serverView) handleKey(key, text string) action {
	if key == "ctrl+c" {
		return action{quit: true}
	}
	v.message = ""
	switch v.mode {
	case filtering:
		return v.handleFilterKey(key, text)
	case details, help:
		return v.handleReadingKey(key)
	case confirming:
		return v.handleAnswer(key)
	}
	return v.handleListKey(key)
}

// handleListKey handles a key while sessions are shown.
func (v *serverView) handleListKey(key string) action {
	switch key {
	case "q":
		return action{quit: true}
	case "p", "space", " ":
		v.paused = !v.paused
		return action{read: !v.paused}
	case "?", "h", "f1":
		v.enter(help)
	case "/":
		v.mode = filtering
	case "esc":
		v.setFilter("")
	case "enter":
		if v.session() != nil {
			v.enter(details)
		}
	case "d":
		v.askToDisconnect()
	case "r":
		v.reverse = !v.reverse
		v.arrange()
	case "left", "<":
		v.sortBy(v.sort - 1)
	case "right", ">":
		v.sortBy(v.sort + 1)
	default:
		v.move(key)
	}
	return action{}
}

// enter shows something else than sessions.
func (v *serverView) enter(m mode) { v.mode, v.offset = m, 0 }

// sortBy sorts by another column, in its usual order.
func (v *serverView) sortBy(column int) {
	n := len(sessiontable.Columns)
	v.sort, v.reverse = (column+n)%n, false
	v.arrange()
}

func (v *serverView) setFilter(text string) {
	v.filter = text
	v.arrange()
}

// steps returns how far a key moves, in a list of n with pages of some rows.
func steps(key string, rows, n int) int {
	switch key {
	case "down", "j":
		return 1
	case "up", "k":
		return -1
	case "pgdown", "ctrl+f":
		return max(1, rows)
	case "pgup", "ctrl+b":
		return -max(1, rows)
	case "home", "g":
		return -n
	case "end", "G":
		return n
	}
	return 0
}

// move moves the selection. Without one, the first step selects the first row that is shown.
func (v *serverView) move(key string) {
	by, row := steps(key, v.rows, len(v.shown)), v.row()
	if by == 0 || len(v.shown) == 0 {
		return
	}
	if row < 0 {
		row = min(v.offset, len(v.shown)-1)
		if by == 1 || by == -1 {
			by = 0
		}
	}
	v.selected = v.shown[max(0, min(row+by, len(v.shown)-1))].ID
}

// maxFilter is the greatest length of a filter in octets.
const maxFilter = 64

func (v *serverView) handleFilterKey(key, text string) action {
	switch key {
	case "enter":
		v.mode = list
	case "esc":
		v.mode = list
		v.setFilter("")
	case "backspace":
		if runes := []rune(v.filter); len(runes) > 0 {
			v.setFilter(string(runes[:len(runes)-1]))
		}
	case "up", "down", "pgup", "pgdown":
		v.move(key)
	default:
		if len(v.filter)+len(text) <= maxFilter {
			v.setFilter(v.filter + text)
		}
	}
	return action{}
}

// handleReadingKey handles a key while details or the help are shown.
func (v *serverView) handleReadingKey(key string) action {
	switch key {
	case "q", "esc", "enter", "backspace":
		v.enter(list)
	case "d":
		if v.mode == details {
			v.enter(list)
			v.askToDisconnect()
		}
	case "p", "space", " ":
		return v.handleListKey(key)
	default:
		v.offset = max(0, v.offset+steps(key, v.rows, len(v.shown)))
	}
	return action{}
}

// askToDisconnect asks whether to end the selected session, whichever is selected when the answer
// comes.
func (v *serverView) askToDisconnect() {
	if s := v.session(); s != nil {
		v.mode, v.target = confirming, s.ID
	}
}

func (v *serverView) handleAnswer(key string) action {
	v.mode = list
	if key != "y" && key != "Y" {
		v.message = "not disconnected"
		return action{}
	}
	id, source := v.target, v.cfg.Source
	v.message = fmt.Sprintf("disconnecting session %d ...", id)
	return action{do: func() (string, error) { return fmt.Sprintf("session %d disconnected", id), source.Disconnect(id) }}
}

func (v *serverView) done(text string, err error) {
	if v.message = text; err != nil {
		v.message = "not disconnected: " + err.Error()
	}
}
