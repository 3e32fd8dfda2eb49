"""Keys that belong to organizations, as an application derives them."""

from django.db import models
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager
from rest_framework_api_key.permissions import BaseHasAPIKey


class Organization(models.Model):
    name = models.CharField(max_length=100)
    active = models.BooleanField(default=True)


class OrganizationAPIKeyManager(BaseAPIKeyManager):
    def get_usable_keys(self):
        return super().get_usable_keys().filter(organization__active=True)


class OrganizationAPIKey(AbstractAPIKey):
    objects = OrganizationAPIKeyManager()
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="api_keys"
    )


class HasOrganizationAPIKey(BaseHasAPIKey):
    model = OrganizationAPIKey
