locals {
  # Computed, so that a plan already contains the values.
  queue    = "https://sqs.${var.region}.amazonaws.com/${var.account_id}/${var.name}-arrivals"
  registry = "${var.account_id}.dkr.ecr.${var.region}.amazonaws.com"
  operator = var.prometheus_release != ""
  selected = { release = var.prometheus_release }
  # Only what differs from the chart's own values and from values-eks.yaml. A release adds the images' tags.
  values = merge(local.arrivals, {
    image = { api = { repository = "${local.registry}/sentiment-api" } }
    airflow = {
      defaultAirflowRepository = "${local.registry}/sentiment-airflow"
      workers                  = { kubernetes = { serviceAccount = { name = local.accounts.worker } } }
      apiServer                = { serviceAccount = { name = local.accounts.api_server } }
      scheduler                = { serviceAccount = { name = local.accounts.scheduler } }
      triggerer                = { serviceAccount = { name = local.accounts.triggerer } }
    }
    mlflow = { serviceAccount = { name = local.accounts.mlflow } }
    objectStore = {
      bucket    = module.reviews.name
      artifacts = "s3://${module.models.name}"
      logs      = local.tasks_in_s3 ? "s3://${module.reviews.name}/airflow-logs" : "cloudwatch://arn:aws:logs:${var.region}:${var.account_id}:log-group:${local.task_logs}"
      region    = var.region
    }
    networkPolicy = {
      database = { cidrs = module.network.database_cidrs, port = 5432 }
      # The control plane has addresses in the private subnets; pods connect to the Service `kubernetes`.
      kubernetesApi = { cidrs = concat(module.network.private_cidrs, ["${cidrhost(var.service_cidr, 1)}/32"]), port = 443 }
      callers       = [var.vpc_cidr]
    }
    api = {
      autoscaling = { requestsInProgress = 0 }
      ingress = {
        enabled     = var.host != ""
        host        = var.host
        annotations = var.host == "" ? {} : { "alb.ingress.kubernetes.io/certificate-arn" = var.certificate_arn }
      }
    }
    monitoring = {
      podMonitor = { enabled = local.operator, labels = local.operator ? local.selected : {} }
      rules      = { enabled = local.operator, labels = local.operator ? local.selected : {} }
      dashboards = { enabled = local.operator }
      database   = { enabled = local.operator }
    }
  })
  # The poll finds a file whose message was lost.
  arrivals = var.score_arrivals ? { arrivals = { queueUrl = local.queue, everySeconds = 600 } } : {}
}

output "values" {
  description = "Values of the chart, as YAML: `terraform output -raw values > my-values.yaml`."
  value       = yamlencode(local.values)
}

output "region" {
  value = var.region
}

output "namespace" {
  value = var.namespace
}

output "cluster" {
  description = "Name for `aws eks update-kubeconfig --name`."
  value       = module.cluster.name
}

output "registry" {
  description = "Host for `docker login`."
  value       = local.registry
}

output "bucket" {
  description = "Bucket into which files are dropped."
  value       = module.reviews.name
}

output "log_groups" {
  description = "Log groups in CloudWatch: `application` of the containers' output, those of the nodes, and `tasks` of Airflow's tasks."
  value       = merge(local.container_logs, { tasks = local.task_logs })
}

output "arrivals_queue" {
  description = "URL of the queue that gets a message for each dropped file."
  value       = local.queue
}

output "database" {
  description = "Host name of PostgreSQL."
  value       = module.database.address
}

output "database_master_secret" {
  description = "ARN of the Secrets Manager entry with the master user's name and password."
  value       = module.database.master_secret_arn
}

output "pod_roles" {
  description = "Roles by service account."
  value       = module.pod_roles.arns
}

output "github_variables" {
  description = "Variables of the workflows (docs/deploy.md, \"The pipeline\"), but for `HELM_VALUES`, which is the output `values`."
  value = var.github == null ? {} : {
    AWS_REGION      = var.region
    AWS_PUSH_ROLE   = module.github[0].roles["push"]
    AWS_DEPLOY_ROLE = module.github[0].roles["deploy"]
    AWS_MODEL_ROLE  = module.github[0].roles["model"]
    CLUSTER         = module.cluster.name
    NAMESPACE       = var.namespace
  }
}
