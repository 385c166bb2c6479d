package serverconfig

// check reports values that do not go together.
func (c *Config) check(r *report) {
	if len(c.Interfaces) == 0 {
		r.fail("interface", "no interface is served", `a section [[interface]] with name = "eth1"`)
	}
}
