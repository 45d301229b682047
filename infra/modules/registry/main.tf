# Registries of the two images and of the chart. Tags cannot be overwritten, and each image is scanned when it is pushed.
variable "repositories" { type = set(string) }
variable "key_arn" { type = string }

resource "aws_ecr_repository" "this" {
  for_each             = var.repositories
  name                 = each.key
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each   = aws_ecr_repository.this
  repository = each.value.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Images without a tag, such as those of a failed push"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
        action       = { type = "expire" }
      },
      {
        # Each release has three: the image, its signature and its bill of materials.
        rulePriority = 2
        description  = "All but the last 100 releases"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 300 }
        action       = { type = "expire" }
      },
    ]
  })
}
