package commands

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// health is the container's health check: the image has no shell and no curl.
func (p *program) health() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask the instance on LISTEN_ADDR whether it is ready; exit 1 when it isn't",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.Config()
			if err != nil {
				return err
			}
			client := &http.Client{Timeout: 3 * time.Second}
			request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, "http://"+reachable(cfg.ListenAddr)+"/readyz", nil)
			if err != nil {
				return fmt.Errorf("LISTEN_ADDR: %w", err)
			}
			response, err := client.Do(request)
			if err != nil {
				return fmt.Errorf("not reachable: %w", err)
			}
			defer response.Body.Close() //nolint:errcheck // nothing is read from it
			if response.StatusCode != http.StatusOK {
				return fmt.Errorf("not ready: %s", response.Status)
			}
			fmt.Fprintln(p.Stdout, "ready")
			return nil
		},
	}
}
