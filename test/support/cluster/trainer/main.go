// trainer runs the controllers and webhooks of Kubeflow Trainer and of JobSet in one process, on certificates that it is given.
package main

import (
	"context"
	"errors"
	"flag"
	"log"

	"k8s.io/apimachinery/pkg/runtime"
	kubernetes "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	jobset "sigs.k8s.io/jobset/api/jobset/v1alpha2"
	jobsetcontrollers "sigs.k8s.io/jobset/pkg/controllers"
	jobsetwebhooks "sigs.k8s.io/jobset/pkg/webhooks"
	podgroup "sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	trainer "github.com/kubeflow/trainer/v2/pkg/apis/trainer/v1alpha1"
	trainercontrollers "github.com/kubeflow/trainer/v2/pkg/controller"
	runtimes "github.com/kubeflow/trainer/v2/pkg/runtime/core"
	trainerwebhooks "github.com/kubeflow/trainer/v2/pkg/webhooks"
)

func main() {
	port := flag.Int("webhook-port", 0, "port of the webhooks, on 127.0.0.1")
	certificates := flag.String("certificates", "", "folder with tls.crt and tls.key of the webhooks")
	flag.Parse() // also --kubeconfig, which controller-runtime declares
	ctrl.SetLogger(zap.New())
	manager, err := newManager(*port, *certificates)
	if err != nil {
		log.Fatal(err)
	}
	ctx := ctrl.SetupSignalHandler()
	if err := errors.Join(addJobSet(ctx, manager), addTrainer(ctx, manager)); err != nil {
		log.Fatal(err)
	}
	if err := manager.Start(ctx); err != nil {
		log.Fatal(err)
	}
}

func newManager(port int, certificates string) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		kubernetes.AddToScheme, trainer.AddToScheme, jobset.AddToScheme, podgroup.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 200, 200
	return ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Client:  client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		Metrics: metrics.Options{BindAddress: "0"},
		WebhookServer: webhook.NewServer(webhook.Options{
			Host: "127.0.0.1", Port: port, CertDir: certificates,
		}),
	})
}

func addJobSet(ctx context.Context, manager ctrl.Manager) error {
	events := manager.GetEventRecorderFor("jobset")
	hook, err := jobsetwebhooks.NewJobSetWebhook(manager.GetClient())
	if err != nil {
		return err
	}
	return errors.Join(
		jobsetcontrollers.SetupJobSetIndexes(ctx, manager.GetFieldIndexer()),
		jobsetcontrollers.SetupPodIndexes(ctx, manager.GetFieldIndexer()),
		jobsetcontrollers.NewJobSetReconciler(manager.GetClient(), manager.GetScheme(), events).SetupWithManager(manager),
		jobsetcontrollers.NewPodReconciler(manager.GetClient(), manager.GetScheme(), events).SetupWithManager(manager),
		hook.SetupWebhookWithManager(manager),
		jobsetwebhooks.NewPodWebhook(manager.GetClient()).SetupWebhookWithManager(manager),
	)
}

func addTrainer(ctx context.Context, manager ctrl.Manager) error {
	known, err := runtimes.New(ctx, manager.GetClient(), manager.GetFieldIndexer())
	if err != nil {
		return err
	}
	if _, err := trainercontrollers.SetupControllers(manager, known, controller.Options{}); err != nil {
		return err
	}
	_, err = trainerwebhooks.Setup(manager, known)
	return err
}
