# A role for each service account, through EKS Pod Identity, with the rights that its pods use and no others.
variable "name" { type = string }
variable "cluster" { type = string }
variable "namespace" { type = string }
variable "account_id" { type = string }
variable "region" { type = string }
variable "key_arn" { type = string }
variable "roles" {
  description = "Rights by service account: listed buckets with the prefixes (none: all), objects, queues to receive from, and log groups."
  type = map(object({
    lists   = map(list(string))
    reads   = list(string)
    writes  = list(string)
    deletes = list(string)
    queues  = list(string)
    logs    = list(string)
  }))
}

locals {
  actions = {
    reads   = ["s3:GetObject", "s3:GetObjectVersion"]
    writes  = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    deletes = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    queues  = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
  }
  groups  = "arn:aws:logs:${var.region}:${var.account_id}:log-group:"
  whole   = { for account, rights in var.roles : account => [for bucket, prefixes in rights.lists : bucket if length(prefixes) == 0] }
  limited = { for account, rights in var.roles : account => { for bucket, prefixes in rights.lists : bucket => prefixes if length(prefixes) > 0 } }
  statements = { for account, rights in var.roles : account => concat(
    [for bucket in local.whole[account] : {
      Effect = "Allow", Action = ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning"], Resource = [bucket], Condition = {}
    }],
    [for bucket, prefixes in local.limited[account] : {
      Effect = "Allow", Action = ["s3:ListBucket"], Resource = [bucket], Condition = { StringLike = { "s3:prefix" = prefixes } }
    }],
    [for kind, actions in local.actions : {
      Effect = "Allow", Action = actions, Resource = rights[kind], Condition = {}
    } if length(rights[kind]) > 0],
    [for each in [
      { Action = ["logs:DescribeLogGroups"], Resource = ["${local.groups}*"] },
      {
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:GetLogEvents"]
        Resource = [for group in rights.logs : "${local.groups}${group}:*"]
      },
    ] : merge(each, { Effect = "Allow", Condition = {} }) if length(rights.logs) > 0],
    [{
      Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = [var.key_arn], Condition = {}
    }],
  ) }
}

resource "aws_iam_role" "this" {
  for_each = var.roles
  name     = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = var.roles
  name     = "data"
  role     = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for each in local.statements[each.key] : { for key, value in each : key => value if try(length(value) > 0, true) }]
  })
}

resource "aws_eks_pod_identity_association" "this" {
  for_each        = var.roles
  cluster_name    = var.cluster
  namespace       = var.namespace
  service_account = each.key
  role_arn        = aws_iam_role.this[each.key].arn
}

output "arns" {
  value = { for account, role in aws_iam_role.this : account => role.arn }
}
