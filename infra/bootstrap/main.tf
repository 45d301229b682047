# The bucket that keeps the state of infra. Applied once, by a person; its own small state stays with that person.
terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "account_id" {
  description = "AWS account of the bucket."
  type        = string
}

variable "region" {
  description = "AWS region of the bucket."
  type        = string
}

variable "name" {
  description = "The same name as in infra."
  type        = string
  default     = "sentiment"
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}

module "key" {
  source     = "../modules/key"
  name       = "${var.name}-state"
  account_id = var.account_id
  region     = var.region
}

module "state" {
  source          = "../modules/bucket"
  name            = "${var.name}-${var.account_id}-state"
  key_arn         = module.key.arn
  noncurrent_days = 365
}

output "backend" {
  description = "Text of state.hcl."
  value       = <<-HCL
    bucket       = "${module.state.name}"
    key          = "${var.name}/terraform.tfstate"
    region       = "${var.region}"
    kms_key_id   = "${module.key.arn}"
    encrypt      = true
    use_lockfile = true
  HCL
}
