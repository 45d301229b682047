# Checks between inputs, and with the account. Each fails the plan, before anything is created.
data "aws_availability_zones" "chosen" {
  state = "available"
  filter {
    name   = "zone-name"
    values = var.zones
  }
}

locals {
  other_ranges = concat([var.service_cidr], var.other_cidrs)
  # Two ranges overlap if they are the same range when both are cut to the shorter prefix.
  overlapping = [for cidr in local.other_ranges : cidr if length(distinct([
    for each in [cidr, var.vpc_cidr] : cidrhost(format("%s/%s", split("/", each)[0], min(split("/", cidr)[1], split("/", var.vpc_cidr)[1])), 0)
  ])) == 1]
}

resource "terraform_data" "checks" {
  lifecycle {
    precondition {
      condition     = length(local.overlapping) == 0
      error_message = "vpc_cidr ${var.vpc_cidr} overlaps ${join(", ", local.overlapping)} (service_cidr, other_cidrs). Choose another range."
    }
    precondition {
      condition     = (var.host == "") == (var.certificate_arn == "")
      error_message = "host and certificate_arn belong together: set both, or neither."
    }
    precondition {
      condition     = var.certificate_arn == "" || try(split(":", var.certificate_arn)[3], "") == var.region
      error_message = "certificate_arn is in another region than ${var.region}. A load balancer can only use certificates of its own region."
    }
    precondition {
      condition     = length(setsubtract(var.zones, data.aws_availability_zones.chosen.names)) == 0
      error_message = "zones: ${join(", ", setsubtract(var.zones, data.aws_availability_zones.chosen.names))} is not an available zone of ${var.region} for this account."
    }
  }
}
