package version

import (
	"regexp"
	"runtime/debug"
	"testing"
)

// TestFromBuildInfo: a tag or Go's version has priority, then the commit; otherwise "devel".
func TestFromBuildInfo(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	setting := func(pairs ...string) (all []debug.BuildSetting) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	for _, c := range []struct {
		main     string
		settings []debug.BuildSetting
		want     string
	}{
		{"v1.2.3", setting("vcs.revision", commit), "v1.2.3"},
		{"(devel)", setting("vcs.revision", commit, "vcs.modified", "false"), "0123456789ab"},
		{"(devel)", setting("vcs.modified", "true", "vcs.revision", commit), "0123456789ab+dirty"},
		{"", setting("vcs.revision", "0123456789a"), "0123456789a"},
		{"(devel)", setting("vcs.modified", "true"), "devel"},
		{"", nil, "devel"},
	} {
		info := &debug.BuildInfo{Settings: c.settings}
		info.Main.Version = c.main
		if got := fromBuildInfo(info); got != c.want {
			t.Errorf("version %q with %v is %q, want %q", c.main, c.settings, got, c.want)
		}
	}
}

// TestRelease: the linker's value has priority over the build information.
func TestRelease(t *testing.T) {
	if String() == "" {
		t.Error("a build has no version")
	}
	release = "v9.8.7"
	defer func() { release = "" }()
	if got, want := Line("pppoe-server"), "pppoe-server (upppoe) v9.8.7"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// Scripts read the number after "version".
	if got := PPPD(); !regexp.MustCompile(`^pppd version 2\.5\.[0-9]+ \(upppoe v9\.8\.7\)$`).MatchString(got) {
		t.Errorf("pppd's line is %q", got)
	}
}
