# Inputs that are refused before anything is created. Runs with several wrong inputs expect an error for each.
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

run "each_input" {
  command = plan

  variables {
    account_id           = "1111-2222-3333"
    region               = "eu-central-1a"
    name                 = "Sentiment"
    namespace            = "a.b"
    administrators       = []
    vpc_cidr             = "10.0.0.0/24"
    service_cidr         = "172.20.0.0/28"
    other_cidrs          = ["10.8.0.0"]
    zones                = ["eu-central-1a"]
    kubernetes_version   = "1.30"
    kubernetes_api_cidrs = ["0.0.0.0/0"]
    nodes                = { instance_types = ["m7i.large"], minimum = 3, maximum = 2 }
    database             = { version = "14" }
    noncurrent_days      = 0
    log_days             = 100
    task_logs            = "disk"
    host                 = "sentiment"
    certificate_arn      = "arn:aws:iam::111122223333:server-certificate/sentiment"
    github               = { repository = "example/*" }
    budget               = { limit_usd = 600, emails = [] }
  }

  expect_failures = [var.account_id, var.region, var.name, var.namespace, var.administrators, var.vpc_cidr, var.service_cidr, var.other_cidrs, var.zones, var.kubernetes_version, var.kubernetes_api_cidrs, var.nodes, var.database, var.noncurrent_days, var.log_days, var.task_logs, var.host, var.certificate_arn, var.github, var.budget]
}

run "each_input_in_another_way" {
  command = plan

  variables {
    region         = "us-gov-west-1"
    name           = "a-name-of-more-than-20"
    vpc_cidr       = "10.0.1.0/16"
    administrators = ["platform"]
    zones          = ["eu-central-1a", "eu-central-1a"]
    nodes          = { instance_types = [], minimum = 1, maximum = 2 }
    database       = { backup_days = 0 }
    github         = { repository = "example/reviews", environments = ["*"] }
    budget         = { limit_usd = 600, emails = ["platform"] }
  }

  expect_failures = [var.region, var.name, var.vpc_cidr, var.administrators, var.zones, var.nodes, var.database, var.github, var.budget]
}

run "and_in_a_third_way" {
  command = plan

  variables {
    name     = "1st"
    vpc_cidr = "10.0.0.0"
    database = { clients = ["0.0.0.0/0"] }
    github   = { repository = "example/reviews", environments = [] }
    budget   = { limit_usd = 0, emails = ["platform@example.com"] }
  }

  expect_failures = [var.name, var.vpc_cidr, var.database, var.github, var.budget]
}

run "vpc_overlaps_the_services" {
  command = plan

  variables {
    vpc_cidr = "172.20.64.0/20"
  }

  expect_failures = [terraform_data.checks]
}

run "vpc_overlaps_a_smaller_network" {
  command = plan

  variables {
    other_cidrs = ["10.0.128.0/24"]
  }

  expect_failures = [terraform_data.checks]
}

run "vpc_overlaps_a_larger_network" {
  command = plan

  variables {
    other_cidrs = ["10.0.0.0/8"]
  }

  expect_failures = [terraform_data.checks]
}

run "host_without_a_certificate" {
  command = plan

  variables {
    host = "sentiment.example.com"
  }

  expect_failures = [terraform_data.checks]
}

run "certificate_of_another_region" {
  command = plan

  variables {
    host            = "sentiment.example.com"
    certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000000"
  }

  expect_failures = [terraform_data.checks]
}

run "zone_of_another_region" {
  command = plan

  variables {
    zones = ["eu-central-1a", "us-east-1b"]
  }

  expect_failures = [terraform_data.checks]
}
