variable "account_id" {
  description = "AWS account in which everything is created. With credentials of another account, Terraform stops."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the 12 digits of an AWS account."
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  validation {
    condition     = can(regex("^(af|ap|ca|eu|il|me|mx|sa|us)-(central|east|north|northeast|south|southeast|southwest|west)-[1-9]$", var.region))
    error_message = "region must be a region of the partition aws, such as eu-central-1 (without the letter of a zone)."
  }
}

variable "name" {
  description = "Name of the cluster and the database, and start of the names of buckets and roles."
  type        = string
  default     = "sentiment"
  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 20
    error_message = "name must be 1 to 20 lower-case letters, digits and single hyphens, and start with a letter: it becomes part of bucket names."
  }
}

variable "namespace" {
  description = "Kubernetes namespace of the release, in which the pods get their roles."
  type        = string
  default     = "sentiment"
  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", var.namespace)) && length(var.namespace) <= 63
    error_message = "namespace must be a Kubernetes name: up to 63 lower-case letters, digits and hyphens."
  }
}

variable "tags" {
  description = "Additional tags of all resources."
  type        = map(string)
  default     = {}
}

variable "administrators" {
  description = "ARNs of the IAM roles or users that administer the cluster. Include the one that runs the installation."
  type        = set(string)
  validation {
    condition     = length(var.administrators) > 0 && alltrue([for arn in var.administrators : can(regex("^arn:aws:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "administrators must name at least one IAM role or user by its ARN: nobody else can use the cluster."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, /16 to /20."
  type        = string
  default     = "10.0.0.0/16"
  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 20, false)
    error_message = "vpc_cidr must be an IPv4 range from /16 to /20: a smaller one has too few addresses for pods."
  }
  validation {
    condition     = try(cidrhost(var.vpc_cidr, 0) == split("/", var.vpc_cidr)[0], true)
    error_message = "vpc_cidr must start at its first address, such as 10.0.0.0/16 and not 10.0.1.0/16."
  }
}

variable "service_cidr" {
  description = "Addresses of Kubernetes Services. They exist only in the cluster."
  type        = string
  default     = "172.20.0.0/16"
  validation {
    condition     = can(cidrnetmask(var.service_cidr)) && try(tonumber(split("/", var.service_cidr)[1]) >= 12 && tonumber(split("/", var.service_cidr)[1]) <= 24, false)
    error_message = "service_cidr must be an IPv4 range from /12 to /24."
  }
}

variable "other_cidrs" {
  description = "Addresses of other networks that the VPC is or will be connected to. Overlaps are refused."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for cidr in var.other_cidrs : can(cidrnetmask(cidr))])
    error_message = "other_cidrs must be IPv4 ranges, such as 10.8.0.0/16."
  }
}

variable "zones" {
  description = "Names of two or three availability zones. They are named, because a new zone of the region must not move subnets."
  type        = list(string)
  validation {
    condition     = contains([2, 3], length(var.zones)) && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones must be two or three different availability zones, such as eu-central-1a and eu-central-1b."
  }
}

variable "nat_per_zone" {
  description = "Whether each zone has its own NAT gateway. With one for all, its zone's failure cuts off the pods of the others."
  type        = bool
  default     = false
}

variable "kubernetes_version" {
  description = "Kubernetes version of the cluster, 1.31 or later."
  type        = string
  default     = "1.34"
  validation {
    condition     = can(regex("^1\\.(3[1-9]|[4-9][0-9])$", var.kubernetes_version))
    error_message = "kubernetes_version must be 1.31 or later: the chart needs it."
  }
}

variable "kubernetes_api_cidrs" {
  description = "Public addresses that can connect to the Kubernetes API. Empty: it can be reached only from the VPC."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for cidr in var.kubernetes_api_cidrs : can(cidrnetmask(cidr)) && cidr != "0.0.0.0/0"])
    error_message = "kubernetes_api_cidrs must be IPv4 ranges and not the whole internet."
  }
}

variable "nodes" {
  description = "Managed nodes, in place of EKS Auto Mode. Null: Auto Mode, in which EKS chooses, replaces and updates the nodes."
  type = object({
    instance_types = list(string)
    minimum        = number
    maximum        = number
    disk_gb        = optional(number, 50)
  })
  default = null
  validation {
    condition     = var.nodes == null ? true : var.nodes.minimum >= 1 && var.nodes.maximum >= var.nodes.minimum && length(var.nodes.instance_types) > 0 && var.nodes.disk_gb >= 20
    error_message = "nodes needs an instance type, a minimum of 1 or more, a maximum that is not below it, and disks of at least 20 GB."
  }
}

variable "database" {
  description = "RDS for PostgreSQL: version, size, whether a second zone has a standby, and days that backups are kept."
  type = object({
    version        = optional(string, "18")
    instance_class = optional(string, "db.t4g.medium")
    storage_gb     = optional(number, 100)
    max_storage_gb = optional(number, 500)
    multi_az       = optional(bool, true)
    backup_days    = optional(number, 14)
    clients        = optional(list(string), [])
  })
  default = {}
  validation {
    condition     = can(regex("^1[5-9](\\.[0-9]+)?$", var.database.version))
    error_message = "database.version must be PostgreSQL 15 or later, such as 18."
  }
  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.database.instance_class))
    error_message = "database.instance_class must be a class of RDS, such as db.t4g.medium."
  }
  validation {
    condition     = var.database.storage_gb >= 20 && var.database.max_storage_gb >= var.database.storage_gb
    error_message = "database.storage_gb must be 20 or more, and database.max_storage_gb not less than it."
  }
  validation {
    condition     = var.database.backup_days >= 1 && var.database.backup_days <= 35
    error_message = "database.backup_days must be 1 to 35: without backups there is no restore."
  }
  validation {
    condition     = alltrue([for cidr in var.database.clients : can(cidrnetmask(cidr)) && cidr != "0.0.0.0/0"])
    error_message = "database.clients must be IPv4 ranges, such as those of a VPN, and not the whole internet."
  }
}

variable "noncurrent_days" {
  description = "Days that overwritten and deleted object versions are kept. Days that are scored again need the versions that they were scored from."
  type        = number
  default     = 90
  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days must be 1 or more."
  }
}

variable "log_days" {
  description = "Days that Airflow's task logs in S3 and the log groups in CloudWatch are kept."
  type        = number
  default     = 365
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days must be a retention that CloudWatch accepts, such as 30, 90 or 365."
  }
}

variable "task_logs" {
  description = "Where Airflow stores task logs: `s3`, below `airflow-logs/` in the bucket of reviews, or `cloudwatch`, in the log group of the output `log_groups`."
  type        = string
  default     = "s3"
  validation {
    condition     = contains(["s3", "cloudwatch"], var.task_logs)
    error_message = "task_logs must be s3 or cloudwatch."
  }
}

variable "host" {
  description = "Host name of the service. Its DNS record points to the load balancer that the Ingress creates. Empty: no Ingress."
  type        = string
  default     = ""
  validation {
    condition     = var.host == "" || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.host))
    error_message = "host must be a full host name, such as sentiment.example.com."
  }
}

variable "certificate_arn" {
  description = "ARN of the ACM certificate for the host, in the same region."
  type        = string
  default     = ""
  validation {
    condition     = var.certificate_arn == "" || can(regex("^arn:aws:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate in ACM."
  }
}

variable "prometheus_release" {
  description = "Name of the kube-prometheus-stack release in the cluster. Empty: no Prometheus operator, and the chart creates nothing for it."
  type        = string
  default     = ""
}

variable "score_arrivals" {
  description = "Whether the values turn on scoring soon after a drop (the chart's `arrivals`). The queue exists in any case."
  type        = bool
  default     = false
}

variable "create_registries" {
  description = "Whether to create the ECR repositories of the images and of the chart. False for a second installation in the same account and region, which uses those of the first."
  type        = bool
  default     = true
}

variable "github" {
  description = "GitHub repository whose workflows build and deploy. Null: no roles for GitHub. `create_provider` is false if the account already has GitHub's identity provider."
  type = object({
    repository      = string
    branch          = optional(string, "main")
    environments    = optional(list(string), ["staging", "production"])
    create_provider = optional(bool, true)
  })
  default = null
  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository must be OWNER/REPOSITORY. A pattern would let other repositories deploy."
  }
  validation {
    condition     = var.github == null ? true : length(var.github.environments) > 0 && alltrue([for name in concat(var.github.environments, [var.github.branch]) : can(regex("^[A-Za-z0-9._/-]+$", name))])
    error_message = "github.environments and github.branch must be names without patterns."
  }
}

variable "budget" {
  description = "Budget of the account in US dollars a month, and the addresses that are told when costs approach it."
  type = object({
    limit_usd = number
    emails    = list(string)
  })
  validation {
    condition     = var.budget.limit_usd > 0 && length(var.budget.emails) > 0 && alltrue([for email in var.budget.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "budget needs a limit above 0 and at least one e-mail address."
  }
}
