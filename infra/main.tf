locals {
  bucket_prefix = "${var.name}-${var.account_id}"
  # The names that the workflows push to.
  repositories = ["sentiment-api", "sentiment-airflow", "charts/sentiment"]
  # The names of the service accounts that the chart creates (helm/values.yaml).
  accounts = {
    worker     = "sentiment-worker"
    api_server = "sentiment-airflow-api-server"
    scheduler  = "sentiment-airflow-scheduler"
    triggerer  = "sentiment-airflow-triggerer"
    mlflow     = "sentiment-mlflow"
  }
  # The groups of the add-on amazon-cloudwatch-observability, which chooses their names.
  container_logs = { for what in ["application", "dataplane", "host", "performance"] : what => "/aws/containerinsights/${var.name}/${what}" }
  task_logs      = "/${var.name}/airflow"
  tasks_in_s3    = var.task_logs == "s3"
}

module "key" {
  source     = "./modules/key"
  name       = var.name
  account_id = var.account_id
  region     = var.region
}

module "network" {
  source       = "./modules/network"
  name         = var.name
  cidr         = var.vpc_cidr
  zones        = var.zones
  nat_per_zone = var.nat_per_zone
  region       = var.region
  account_id   = var.account_id
  log_days     = var.log_days
  key_arn      = module.key.arn
}

module "cluster" {
  source             = "./modules/cluster"
  name               = var.name
  kubernetes_version = var.kubernetes_version
  subnets            = module.network.private_subnets
  service_cidr       = var.service_cidr
  public_cidrs       = var.kubernetes_api_cidrs
  nodes              = var.nodes
  administrators     = var.administrators
  log_days           = var.log_days
  key_arn            = module.key.arn
}

module "logs" {
  source   = "./modules/logs"
  groups   = concat(values(local.container_logs), [local.task_logs])
  log_days = var.log_days
  key_arn  = module.key.arn
}

module "registry" {
  source       = "./modules/registry"
  count        = var.create_registries ? 1 : 0
  repositories = local.repositories
  key_arn      = module.key.arn
}

module "reviews" {
  source          = "./modules/bucket"
  name            = "${local.bucket_prefix}-reviews"
  key_arn         = module.key.arn
  noncurrent_days = var.noncurrent_days
  expiring        = { "airflow-logs/" = var.log_days }
}

module "models" {
  source          = "./modules/bucket"
  name            = "${local.bucket_prefix}-models"
  key_arn         = module.key.arn
  noncurrent_days = var.noncurrent_days
}

module "arrivals" {
  source     = "./modules/arrivals"
  name       = "${var.name}-arrivals"
  bucket     = module.reviews.name
  bucket_arn = module.reviews.arn
  prefix     = "incoming/"
  account_id = var.account_id
  key_arn    = module.key.arn
}

module "database" {
  source        = "./modules/database"
  name          = var.name
  settings      = var.database
  vpc_id        = module.network.vpc_id
  subnets       = module.network.database_subnets
  client_groups = { cluster = module.cluster.security_group }
  client_cidrs  = var.database.clients
  log_days      = var.log_days
  key_arn       = module.key.arn
}

module "pod_roles" {
  source     = "./modules/pod_roles"
  name       = var.name
  cluster    = module.cluster.name
  namespace  = var.namespace
  account_id = var.account_id
  region     = var.region
  key_arn    = module.key.arn
  roles = {
    (local.accounts.worker) = {
      lists = { (module.reviews.arn) = [] }
      reads = ["${module.reviews.arn}/incoming/*"]
      # helm test drops a file of its own.
      writes  = concat([for place in ["training", "incoming/helm-test"] : "${module.reviews.arn}/${place}/*"], local.logs_only.writes)
      deletes = ["${module.reviews.arn}/training/*"]
      queues  = []
      logs    = local.logs_only.logs
    }
    (local.accounts.api_server) = local.logs_only
    (local.accounts.scheduler)  = local.logs_only
    (local.accounts.triggerer)  = merge(local.logs_only, { queues = [module.arrivals.arn] })
    (local.accounts.mlflow) = {
      lists   = { (module.models.arn) = [] }
      reads   = []
      writes  = ["${module.models.arn}/*"]
      deletes = ["${module.models.arn}/*"]
      queues  = []
      logs    = []
    }
  }
}

locals {
  logs_only = {
    lists   = { for bucket in local.tasks_in_s3 ? [module.reviews.arn] : [] : bucket => ["airflow-logs/*"] }
    reads   = []
    writes  = local.tasks_in_s3 ? ["${module.reviews.arn}/airflow-logs/*"] : []
    deletes = []
    queues  = []
    logs    = local.tasks_in_s3 ? [] : [local.task_logs]
  }
}

module "github" {
  source       = "./modules/github"
  count        = var.github == null ? 0 : 1
  name         = var.name
  account_id   = var.account_id
  settings     = var.github
  repositories = [for name in local.repositories : "arn:aws:ecr:${var.region}:${var.account_id}:repository/${name}"]
  cluster_name = module.cluster.name
  cluster_arn  = module.cluster.arn
  namespace    = var.namespace
}

module "budget" {
  source    = "./modules/budget"
  name      = var.name
  limit_usd = var.budget.limit_usd
  emails    = var.budget.emails
}
