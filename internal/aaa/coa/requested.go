package coa

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// unset are values that no request can set.
const (
	unsetRate = math.MaxUint64
	unsetTime = time.Duration(math.MinInt64)
)

// requested describes what a change sets, for the log: options with their values, rates in kbit/s and
// times in seconds.
func requested(change func(*pppoe.SessionPolicy)) string {
	rate := datapath.Rate{Bits: unsetRate}
	p := pppoe.SessionPolicy{
		Up: rate, Down: rate, InterimInterval: unsetTime,
		Limits: &pppoe.SessionLimits{SessionTimeout: unsetTime, IdleTimeout: unsetTime},
	}
	change(&p)
	var all []string
	add := func(set bool, option string, value any) {
		if set {
			all = append(all, fmt.Sprintf("%s %v", option, value))
		}
	}
	add(p.Up.Bits != unsetRate, "rate-up", kilobits(p.Up))
	add(p.Down.Bits != unsetRate, "rate-down", kilobits(p.Down))
	add(p.Limits.SessionTimeout != unsetTime, "session-timeout", seconds(p.Limits.SessionTimeout))
	add(p.Limits.IdleTimeout != unsetTime, "idle-timeout", seconds(p.Limits.IdleTimeout))
	add(p.InterimInterval != unsetTime, "interim-interval", seconds(max(p.InterimInterval, 0)))
	add(len(p.FramedRoutes) > 0, "framed-route", routes(p.FramedRoutes))
	add(p.FilterID != "", "filter-id", `"`+wire.EscapeName(p.FilterID)+`"`)
	if len(p.Class) > 0 {
		all = append(all, "class")
	}
	if len(all) == 0 {
		return "nothing that has an effect"
	}
	return strings.Join(all, ", ")
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func kilobits(r datapath.Rate) string {
	return strconv.FormatFloat(float64(r.Bits)/1000, 'f', -1, 64)
}

// maxRoutes is how many routes are shown.
const maxRoutes = 3

func routes(all []netip.Prefix) string {
	var texts []string
	for _, r := range all[:min(len(all), maxRoutes)] {
		texts = append(texts, r.String())
	}
	if more := len(all) - maxRoutes; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, " ")
}
