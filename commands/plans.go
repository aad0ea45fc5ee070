package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/models/hours"
	"hourbank/services"
)

func (p *program) plans() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plans",
		Short: "List, add and retire pricing plans",
		Example: `  hourbank plans add --id pack8 --name "8 hours" --hours 8.00 --amount 12000 --currency eur
  hourbank plans list --json
  hourbank plans retire pack8`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.plansList(), p.plansAdd(), p.plansRetire())
	return cmd
}

func (p *program) plansList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List all plans, the retired ones too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				plans, err := s.Plans.List(ctx, true)
				if err != nil {
					return err
				}
				if asJSON {
					return p.PrintJSON(plans)
				}
				if len(plans) == 0 {
					fmt.Fprintln(p.Stdout, "There are no plans yet; add one with: hourbank plans add --help")
					return nil
				}
				return p.printPlans(plans...)
			})
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) plansAdd() *cobra.Command {
	var plan models.Plan
	var kind, sold, priceID string
	var validDays int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add", Short: "Add a plan and put it on sale", Args: cobra.NoArgs,
		Example: `  hourbank plans add --id pack8 --name "8 hours" --hours 8.00 --amount 12000 --currency eur
  hourbank plans add --id monthly4 --name "4 hours a month" --type subscription --hours 4.00 --amount 5600 \
      --currency eur --stripe-price-id price_123 --valid-days 60 --low-hours 1.00`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if plan.Hours, err = hours.Parse(sold); err != nil {
				return cli.Usage(fmt.Errorf("--hours: %w", err))
			}
			for name, to := range map[string]**models.Hours{"rollover-hours": &plan.RolloverHours, "low-hours": &plan.LowHours} {
				flag := cmd.Flags().Lookup(name)
				if !flag.Changed {
					continue
				}
				given, err := hours.Parse(flag.Value.String())
				if err != nil {
					return cli.Usage(fmt.Errorf("--%s: %w", name, err))
				}
				*to = &given
			}
			plan.TransactionType = models.TransactionType(kind)
			if priceID != "" {
				plan.StripePriceID = &priceID
			}
			if cmd.Flags().Changed("valid-days") {
				plan.ValidDays = &validDays
			}
			return p.changePlan(cmd, asJSON, func(ctx context.Context, s *services.Services) (*models.Plan, error) {
				plan.Active = true
				return s.Plans.Add(ctx, plan)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&plan.ID, "id", "", "the plan's id, used by the API and in a subscription's metadata")
	flags.StringVar(&plan.Name, "name", "", "the name that customers read")
	flags.StringVar(&sold, "hours", "", "hours sold, such as 8.00")
	flags.Int64Var(&plan.Amount, "amount", 0, "price in the currency's minor unit: 12000 is €120.00")
	flags.StringVar(&plan.Currency, "currency", "", "lower-case ISO code, such as eur")
	flags.StringVar(&kind, "type", string(models.TypePackage), "package or subscription")
	flags.StringVar(&priceID, "stripe-price-id", "", "the Stripe price that subscriptions to it have")
	flags.String("rollover-hours", "", "hours of earlier periods that a subscription keeps when it renews (default: all)")
	flags.BoolVar(&plan.RefundExpired, "refund-expired", false, "a refund of what is unused gives back expired hours, too")
	flags.String("low-hours", "", "tell EVENTS_URLS when a student has fewer hours than so many, such as 2.00 (default: never)")
	flags.IntVar(&validDays, "valid-days", 0, "days after payment until the hours expire, 1 to 36500 (default: never)")
	cli.AddJSONFlag(cmd, &asJSON)
	for _, name := range []string{"id", "name", "hours", "amount", "currency"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

func (p *program) plansRetire() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "retire ID", Short: "Take a plan off sale; what it sold stays", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.changePlan(cmd, asJSON, func(ctx context.Context, s *services.Services) (*models.Plan, error) {
				return s.Plans.Retire(ctx, args[0])
			})
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) changePlan(cmd *cobra.Command, asJSON bool, change func(context.Context, *services.Services) (*models.Plan, error)) error {
	return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
		plan, err := change(ctx, s)
		if err != nil {
			return err
		}
		if asJSON {
			return p.PrintJSON(plan)
		}
		return p.printPlans(*plan)
	})
}

func (p *program) printPlans(plans ...models.Plan) error {
	rows := make([][]any, len(plans))
	for i, plan := range plans {
		state := "on sale"
		if !plan.Active {
			state = "retired"
		}
		rows[i] = []any{plan.ID, plan.Name, plan.TransactionType, plan.Hours, models.FormatMoney(plan.Amount, plan.Currency), cli.OrDash(plan.StripePriceID), state}
	}
	return p.PrintTable("ID\tNAME\tTYPE\tHOURS\tPRICE\tSTRIPE PRICE\tSTATE", rows)
}
