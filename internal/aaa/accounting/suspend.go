package accounting

import "context"

// Suspend stores all records that have not been sent, and closes the spool for a successor. Those that are
// made until Resume wait in memory. It must not be called concurrently with Close. After an error
// Resume must be called, too.
func (a *Accounting) Suspend() error {
	if a.cancel != nil {
		a.cancel()
		a.running.Wait()
	}
	if a.cfg.Spool == "" {
		return nil
	}
	return a.spool.close()
}

// Resume undoes Suspend. After an error records wait in memory, and are lost when the program ends.
func (a *Accounting) Resume() (err error) {
	if a.cfg.Spool != "" {
		a.spool = &memoryStore{}
		var again *spool
		if again, err = openSpool(a.cfg.Spool, a.cfg.Log); err == nil {
			a.spool = again
		}
	}
	if a.cancel != nil {
		a.run()
	}
	return err
}

// run begins to send records.
func (a *Accounting) run() {
	var ctx context.Context
	ctx, a.cancel = context.WithCancel(context.Background())
	// Both end with Close, or Suspend.
	a.running.Go(newSender(ctx, a).run)
	a.running.Go(func() { a.interims(ctx) })
}
