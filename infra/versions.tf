terraform {
  # OpenTofu 1.10 and later read the same files.
  required_version = ">= 1.10"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
  # `terraform init -backend-config=state.hcl`; the folder bootstrap creates the bucket and prints that file.
  backend "s3" {}
}

provider "aws" {
  region = var.region
  # With credentials of another account, nothing is created.
  allowed_account_ids = [var.account_id]
  default_tags {
    tags = merge({ project = var.name, managed-by = "terraform" }, var.tags)
  }
}
