# Roles that GitHub's workflows assume by OIDC, without a stored key: push images, deploy, train a model.
variable "name" { type = string }
variable "account_id" { type = string }
variable "repositories" { type = list(string) }
variable "cluster_name" { type = string }
variable "cluster_arn" { type = string }
variable "namespace" { type = string }
variable "settings" {
  type = object({
    repository      = string
    branch          = string
    environments    = list(string)
    create_provider = bool
  })
}

locals {
  host     = "token.actions.githubusercontent.com"
  provider = "arn:aws:iam::${var.account_id}:oidc-provider/${local.host}"
  training = [for name in var.settings.environments : "${name}-training"]
  subjects = {
    push   = ["repo:${var.settings.repository}:ref:refs/heads/${var.settings.branch}"]
    deploy = [for name in var.settings.environments : "repo:${var.settings.repository}:environment:${name}"]
    model  = [for name in concat(var.settings.environments, local.training) : "repo:${var.settings.repository}:environment:${name}"]
  }
  login = { Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] }
  pull = {
    Effect   = "Allow"
    Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"]
    Resource = var.repositories
  }
  push = {
    Effect   = "Allow"
    Action   = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]
    Resource = var.repositories
  }
  connect = { Effect = "Allow", Action = ["eks:DescribeCluster"], Resource = [var.cluster_arn] }
  statements = {
    push   = [local.login, local.pull, local.push]
    deploy = [local.login, local.pull, local.connect]
    model  = [local.connect]
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.settings.create_provider ? 1 : 0
  url            = "https://${local.host}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "this" {
  #checkov:skip=CKV_AWS_393:checkov does not read the subjects above, which name one repository and its branch or environments without a pattern
  for_each = local.subjects
  name     = "${var.name}-github-${each.key}"
  # A training takes up to three hours.
  max_session_duration = each.key == "model" ? 10800 : 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = { "${local.host}:aud" = "sts.amazonaws.com", "${local.host}:sub" = each.value } }
    }]
  })
  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "this" {
  for_each = local.statements
  name     = "rights"
  role     = aws_iam_role.this[each.key].id
  policy   = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_eks_access_entry" "deploy" {
  cluster_name  = var.cluster_name
  principal_arn = aws_iam_role.this["deploy"].arn
  # The chart's custom resources are not in AWS's policy; a Kubernetes role for this group can add them.
  kubernetes_groups = ["sentiment-deploy"]
}

resource "aws_eks_access_policy_association" "deploy" {
  cluster_name  = var.cluster_name
  principal_arn = aws_eks_access_entry.deploy.principal_arn
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"
  access_scope {
    type       = "namespace"
    namespaces = [var.namespace]
  }
}

# The group's Kubernetes role lists pods and runs commands in them (docs/deploy.md, "The pipeline").
resource "aws_eks_access_entry" "model" {
  cluster_name      = var.cluster_name
  principal_arn     = aws_iam_role.this["model"].arn
  kubernetes_groups = ["sentiment-models"]
}

output "roles" {
  value = { for name, role in aws_iam_role.this : name => role.arn }
}
