package ebpf

// Leave is Close of a process that has a successor: what is pinned stays, and carries packets. What is not
// pinned is closed as by Close.
func (e *Engine) Leave() error {
	e.mu.Lock()
	e.pins.setLeave(true)
	e.mu.Unlock()
	return e.Close()
}

// Release lets a successor open what is pinned before this process has ended. The Engine must not be used
// until Take, and Close is Leave.
func (e *Engine) Release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pins.setLeave(true)
	e.pins.release()
}

// Take undoes Release. The error says that another process has what is pinned.
func (e *Engine) Take() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.pins.isEnabled() {
		return nil
	}
	if err := e.pins.take(); err != nil {
		return err
	}
	e.pins.setLeave(false)
	return nil
}

// IsPinned reports whether the kernel carries packets while no process runs.
func (e *Engine) IsPinned() bool { return e.pins.isEnabled() }
