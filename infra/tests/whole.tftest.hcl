# What is created, with AWS mocked.
mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  account_id     = "111122223333"
  region         = "eu-central-1"
  zones          = ["eu-central-1a", "eu-central-1b"]
  administrators = ["arn:aws:iam::111122223333:role/platform"]
  budget         = { limit_usd = 600, emails = ["platform@example.com"] }
}

run "defaults" {
  command = apply

  assert {
    condition     = length(module.cluster.node_groups) == 0 && module.cluster.addons == toset(["metrics-server"])
    error_message = "Auto Mode has no node groups, and brings all add-ons but one."
  }
  assert {
    condition     = yamldecode(output.values).objectStore == { artifacts = "s3://sentiment-111122223333-models", bucket = "sentiment-111122223333-reviews", logs = "s3://sentiment-111122223333-reviews/airflow-logs", region = "eu-central-1" }
    error_message = "The values name the buckets of this account."
  }
  assert {
    condition     = output.log_groups.application == "/aws/containerinsights/sentiment/application" && output.log_groups.tasks == "/sentiment/airflow"
    error_message = "The log groups are those that the add-on and Airflow write to."
  }
  assert {
    condition     = yamldecode(output.values).networkPolicy.kubernetesApi.cidrs == ["10.0.0.0/18", "10.0.64.0/18", "172.20.0.1/32"] && yamldecode(output.values).networkPolicy.database.cidrs == ["10.0.224.0/21", "10.0.232.0/21"]
    error_message = "Pods can reach the control plane and the database, and nothing else of the VPC."
  }
  assert {
    condition     = !yamldecode(output.values).api.ingress.enabled && !yamldecode(output.values).monitoring.podMonitor.enabled
    error_message = "Without a host there is no Ingress, and without a Prometheus operator there are none of its objects."
  }
  assert {
    condition     = length(output.github_variables) == 0 && length(module.github) == 0
    error_message = "Without a repository there are no roles for GitHub."
  }
  assert {
    condition     = module.network.nat_zones == toset(["eu-central-1a"])
    error_message = "One NAT gateway serves all zones by default."
  }
}

run "everything" {
  command = apply

  variables {
    name                 = "prod"
    zones                = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    nat_per_zone         = true
    vpc_cidr             = "10.20.0.0/20"
    other_cidrs          = ["10.20.16.0/20", "10.0.0.0/16"]
    kubernetes_api_cidrs = ["198.51.100.0/24"]
    nodes                = { instance_types = ["m7i.large"], minimum = 2, maximum = 4 }
    database             = { version = "17.6", multi_az = false, clients = ["10.8.0.0/16"] }
    host                 = "sentiment.example.com"
    certificate_arn      = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000000"
    create_registries    = false
    score_arrivals       = true
    task_logs            = "cloudwatch"
    prometheus_release   = "kube-prometheus-stack"
    github               = { repository = "example/reviews" }
  }

  assert {
    condition     = length(module.cluster.node_groups) == 1 && contains(module.cluster.addons, "vpc-cni") && contains(module.cluster.addons, "eks-pod-identity-agent")
    error_message = "Managed nodes come with the add-ons that Auto Mode includes."
  }
  assert {
    condition     = length(module.network.nat_zones) == 3
    error_message = "Each zone has its NAT gateway."
  }
  assert {
    condition     = yamldecode(output.values).networkPolicy.database.cidrs == ["10.20.14.0/25", "10.20.14.128/25", "10.20.15.0/25"]
    error_message = "The smallest VPC has room for three zones."
  }
  assert {
    condition     = yamldecode(output.values).api.ingress.host == "sentiment.example.com" && yamldecode(output.values).monitoring.podMonitor.labels.release == "kube-prometheus-stack"
    error_message = "The values have the host, and the labels that Prometheus selects."
  }
  assert {
    condition     = length(module.registry) == 0 && yamldecode(output.values).image.api.repository == "111122223333.dkr.ecr.eu-central-1.amazonaws.com/sentiment-api"
    error_message = "A second installation uses the registries of the first."
  }
  assert {
    condition     = yamldecode(output.values).arrivals.queueUrl == "https://sqs.eu-central-1.amazonaws.com/111122223333/prod-arrivals"
    error_message = "The values name the queue."
  }
  assert {
    condition     = yamldecode(output.values).objectStore.logs == "cloudwatch://arn:aws:logs:eu-central-1:111122223333:log-group:/prod/airflow"
    error_message = "The values name the log group of the tasks."
  }
  assert {
    condition     = output.github_variables["CLUSTER"] == "prod" && output.github_variables["NAMESPACE"] == "sentiment"
    error_message = "The variables of the workflows name the cluster and the namespace."
  }
}
