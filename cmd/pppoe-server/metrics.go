package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/mgmt/metrics"
	"upppoe/pppoe"
)

// serveMetrics serves the server's numbers, if the configuration has an address for them; else it returns
// nil. inherited is the socket of an earlier program; nil: there is none.
func serveMetrics(c metrics.Config, inherited *os.File, server *pppoe.Server, radius *radiusService, state *sessionState, cluster *allActive, log *slog.Logger) (*metrics.Server, error) {
	if c.Listen == "" {
		if inherited != nil {
			inherited.Close()
		}
		return nil, nil
	}
	var more []prometheus.Collector
	if radius != nil {
		more = append(more, radius.metrics())
	}
	if state.store() != nil {
		more = append(more, metrics.Store{Stats: state.logStats})
	}
	if cluster != nil {
		more = append(more, metrics.AllActive{Status: cluster.member.Status})
	}
	c.Inherited = inherited
	s, err := metrics.Listen(c, server, more...)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w", err)
	}
	log.Info(fmt.Sprintf("Serving metrics on http://%v/metrics", s.Addr()))
	return s, nil
}
