package session

// IsParked reports whether the session is parked.
func (c *Compact) IsParked() bool { return c.running == nil }
