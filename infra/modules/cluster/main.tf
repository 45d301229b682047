# An EKS cluster: Auto Mode, or managed nodes with the add-ons that Auto Mode includes.
variable "name" { type = string }
variable "kubernetes_version" { type = string }
variable "subnets" { type = list(string) }
variable "service_cidr" { type = string }
variable "public_cidrs" { type = list(string) }
variable "administrators" { type = set(string) }
variable "log_days" { type = number }
variable "key_arn" { type = string }
variable "nodes" {
  type = object({ instance_types = list(string), minimum = number, maximum = number, disk_gb = number })
}

locals {
  auto = var.nodes == null
  # What a role of the control plane needs, and more so that Auto Mode can manage nodes, disks and load balancers.
  cluster_policies = concat(["AmazonEKSClusterPolicy"], local.auto ? [
    "AmazonEKSComputePolicy", "AmazonEKSBlockStoragePolicy", "AmazonEKSLoadBalancingPolicy", "AmazonEKSNetworkingPolicy",
  ] : [])
  node_policies = concat(["AmazonEC2ContainerRegistryPullOnly"], local.auto ?
  ["AmazonEKSWorkerNodeMinimalPolicy"] : ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"])
  addons = merge({ metrics-server = null }, local.auto ? {} : {
    coredns                = null
    kube-proxy             = null
    eks-pod-identity-agent = null
    vpc-cni                = jsonencode({ enableNetworkPolicy = "true" })
  })
}

resource "aws_cloudwatch_log_group" "control_plane" {
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}

resource "aws_iam_role" "cluster" {
  name = "${var.name}-cluster"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  })
}

resource "aws_iam_role_policy_attachment" "cluster" {
  for_each   = toset(local.cluster_policies)
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

resource "aws_iam_role_policy" "secrets" {
  name = "encrypt-secrets"
  role = aws_iam_role.cluster.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"]
      Resource = var.key_arn
    }]
  })
}

resource "aws_iam_role" "node" {
  name = "${var.name}-node"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each   = toset(local.node_policies)
  role       = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

resource "aws_eks_cluster" "this" {
  name                          = var.name
  version                       = var.kubernetes_version
  role_arn                      = aws_iam_role.cluster.arn
  bootstrap_self_managed_addons = false
  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  vpc_config {
    subnet_ids              = var.subnets
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_cidrs) > 0
    public_access_cidrs     = length(var.public_cidrs) > 0 ? var.public_cidrs : null
  }

  kubernetes_network_config {
    service_ipv4_cidr = var.service_cidr
    elastic_load_balancing {
      enabled = local.auto
    }
  }

  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = var.key_arn
    }
  }

  compute_config {
    enabled       = local.auto
    node_pools    = local.auto ? ["general-purpose", "system"] : null
    node_role_arn = local.auto ? aws_iam_role.node.arn : null
  }

  storage_config {
    block_storage {
      enabled = local.auto
    }
  }

  upgrade_policy {
    support_type = "STANDARD"
  }

  depends_on = [aws_iam_role_policy_attachment.cluster, aws_iam_role_policy.secrets, aws_cloudwatch_log_group.control_plane]
}

resource "aws_launch_template" "nodes" {
  count       = local.auto ? 0 : 1
  name_prefix = "${var.name}-nodes-"

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size = var.nodes.disk_gb
      volume_type = "gp3"
      encrypted   = true
    }
  }

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
    # Pods cannot reach the node's role.
    http_put_response_hop_limit = 1
  }
}

resource "aws_eks_node_group" "nodes" {
  count           = local.auto ? 0 : 1
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "${var.name}-nodes"
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = var.subnets
  instance_types  = var.nodes.instance_types

  launch_template {
    id      = aws_launch_template.nodes[0].id
    version = aws_launch_template.nodes[0].latest_version
  }

  scaling_config {
    desired_size = var.nodes.minimum
    min_size     = var.nodes.minimum
    max_size     = var.nodes.maximum
  }

  update_config {
    max_unavailable = 1
  }

  lifecycle {
    # An autoscaler changes it.
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [aws_iam_role_policy_attachment.node]
}

resource "aws_eks_addon" "this" {
  for_each             = local.addons
  cluster_name         = aws_eks_cluster.this.name
  addon_name           = each.key
  configuration_values = each.value
}

resource "aws_eks_access_entry" "administrators" {
  for_each      = var.administrators
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.key
}

resource "aws_eks_access_policy_association" "administrators" {
  for_each      = var.administrators
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.administrators[each.key].principal_arn
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
  access_scope {
    type = "cluster"
  }
}

output "name" {
  value = aws_eks_cluster.this.name
}

output "arn" {
  value = aws_eks_cluster.this.arn
}

output "security_group" {
  description = "Group of the control plane and of all nodes, and so of all pods."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "node_groups" {
  value = [for group in aws_eks_node_group.nodes : group.node_group_name]
}

output "addons" {
  value = toset(keys(aws_eks_addon.this))
}
