package commands

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"hourbank/commands/cli"
	"hourbank/config"
	"hourbank/controllers"
	"hourbank/database"
	"hourbank/models"
	"hourbank/routes"
	"hourbank/services"
)

// shutdownTimeout is how long requests in flight may still take after SIGTERM.
const shutdownTimeout = 20 * time.Second

func (p *program) serve() *cobra.Command {
	var sandbox bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Migrate the database, then serve the webhook and the API",
		Example: `  hourbank serve --sandbox                           # with nothing set, to try it
  STRIPE_WEBHOOK_SECRET=whsec_… hourbank serve      # on an SQLite file
  DATABASE_URL=postgres://… STRIPE_WEBHOOK_SECRET_FILE=/run/secrets/whsec hourbank serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if sandbox {
				return p.serveSandbox(cmd.Context())
			}
			cfg, err := config.Load(p.Environ)
			if err := errors.Join(err, cfg.RequireWebhookSecret()); err != nil {
				return cli.Usage(err)
			}
			return p.runServer(cmd.Context(), cfg, nil, nil)
		},
	}
	cmd.Flags().BoolVar(&sandbox, "sandbox", false, "make keys, plans and a purchase, and print what to try next")
	return cmd
}

// runServer serves until ctx ends (SIGTERM), finishes what is in flight and
// returns. A sandbox has a clock; started, where given, runs once the address answers.
func (p *program) runServer(ctx context.Context, cfg *config.Config, clock *database.Clock, started func(context.Context, *services.Services, string) error) error {
	log := p.Logger(cfg)
	db, err := cli.OpenMigrated(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // everything is committed by now
	if clock != nil {
		if err := db.Follow(ctx, clock); err != nil {
			return err
		}
	}
	s := services.New(cfg, db, log)
	defer s.Traces.Stop()
	if err := checkOwner(ctx, cfg, s, log); err != nil {
		return err
	}
	if err := db.CheckSchemaIsClosed(ctx); err != nil {
		log.Warn("who has any login to the database can become the owner of its tables", zap.Error(err))
	}
	if err := s.Deliveries.Register(ctx); err != nil {
		return err
	}
	servers, err := listen(ctx, cfg, s, log)
	if err != nil {
		return err
	}
	address := servers[0].listener.Addr().String()
	return runUntil(ctx, s, servers, log, func(ctx context.Context) {
		log.Info("listening", zap.String("address", address), zap.String("database", string(db.Engine)))
		for _, warning := range cfg.Warnings() {
			log.Warn(warning)
		}
		if started != nil {
			if err := started(ctx, s, address); err != nil {
				log.Error("start", zap.Error(err))
			}
		}
	})
}

// runUntil serves until ctx ends, or a server can't serve any more.
func runUntil(ctx context.Context, s *services.Services, servers []server, log *zap.Logger, started func(context.Context)) error {
	// The services outlive the server, so that requests in flight at a
	// SIGTERM still get their events committed.
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return s.Run(working) })
	for _, one := range servers {
		group.Go(func() error {
			defer stop() // a server that can't serve must not leave the rest alive
			return one.run()
		})
	}
	group.Go(func() error {
		<-ctx.Done()
		defer stopWork()
		log.Info("shutting down")
		return shutdown(context.WithoutCancel(ctx), servers)
	})
	started(ctx)
	return group.Wait()
}

// server serves one address.
type server struct {
	*http.Server
	listener net.Listener
}

func (s server) run() error {
	if err := s.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// shutdown finishes what is in flight.
func shutdown(ctx context.Context, servers []server) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	var errs []error
	for _, one := range servers {
		errs = append(errs, one.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// listen takes the addresses: the public one, and the operators' where there
// is one.
func listen(ctx context.Context, cfg *config.Config, s *services.Services, log *zap.Logger) ([]server, error) {
	public, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.ListenAddr)
	if err != nil {
		return nil, fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	publicServer := cli.NewHTTPServer(routes.New(cfg, s, log))
	publicServer.ConnState = controllers.BoundConnections(cfg.TrustedProxies, log)
	servers := []server{{publicServer, public}}
	if cfg.AdminListenAddr == "" {
		return servers, nil
	}
	admin, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.AdminListenAddr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ADMIN_LISTEN_ADDR: %w", err), public.Close())
	}
	log.Info("listening for operators", zap.String("address", admin.Addr().String()))
	return append(servers, server{cli.NewHTTPServer(routes.NewAdmin(cfg, s, log)), admin}), nil
}

// accountPatience is how long a start waits for Stripe to say whose the key is.
const accountPatience = 3 * time.Second

// checkOwner refuses a database that holds another mode's or account's money.
func checkOwner(ctx context.Context, cfg *config.Config, s *services.Services, log *zap.Logger) error {
	if err := learnOwner(ctx, cfg, s, log); err != nil {
		return err
	}
	return cli.Refused(s.Owner.RefuseUnclaimed(ctx))
}

// learnOwner compares what is known. Where STRIPE_ACCOUNT doesn't say whose the key
// is, Stripe does, if it can: restricted keys may not ask.
func learnOwner(ctx context.Context, cfg *config.Config, s *services.Services, log *zap.Logger) error {
	known, err := s.Owner.Check(ctx)
	switch {
	case err != nil:
		return cli.Refused(err)
	case known != nil && known.Mode == models.ModeSandbox && cfg.Mode() == "":
		return cli.Usage(errors.New("DATABASE_URL: the database is a sandbox's, and nothing says that this program is: events of Stripe's test mode would be booked in it"))
	case !s.Stripe.HasKey() || cfg.StripeAccount != "" || cfg.Sandbox:
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, accountPatience)
	defer cancel()
	account, err := s.Stripe.Account(asking)
	if err != nil {
		log.Info("whose the secret key is could not be asked; STRIPE_ACCOUNT says it, too", zap.Error(err))
		return nil
	}
	s.Owner.SetAccount(account.ID)
	_, err = s.Owner.Check(ctx)
	return cli.Refused(err)
}
