"""Bodies and queries of stored configurations (contract 002, section 5)."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, model_validator

from streams.views.training.bodies import CONFIG_PROPERTIES

__all__ = ["ConfigType", "ConfigurationBody", "ConfigurationChangeBody", "ConfigurationListQuery"]

SortKey = Literal["config_name", "config_desc", "create_time"]
ConfigType = Literal["custom", "sample"]


class _Flat(BaseModel):
    """The fields of a config lie beside those of the configuration itself (T-150)."""

    model_config = ConfigDict(extra="allow")

    def config(self) -> Mapping[str, Any]:
        """The fields of the config, as sent."""
        return self.model_extra or {}


class ConfigurationBody(_Flat):
    """A new configuration: its name, and the fields of a config, of which jobs may add what is left out."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "properties": {
                "config_name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "description": "Its name."},
                "config_desc": {"type": "string", "maxLength": 256, "description": "For people."},
                **CONFIG_PROPERTIES,
            }
        },
    )
    config_name: StrictStr = Field(description="Unique in the project.")
    config_desc: StrictStr = Field("", description="For people.")


class ConfigurationChangeBody(_Flat):
    """What changes: fields sent replace, null clears, what is left out stays (decision 23)."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "properties": {
                "config_desc": {"type": "string", "maxLength": 256, "description": "For people."},
                **CONFIG_PROPERTIES,
            }
        },
    )
    config_desc: StrictStr | None = Field(None, description="For people.")

    @model_validator(mode="before")
    @classmethod
    def _cleared(cls, content: Any) -> Any:
        """Clear the description where it is null."""
        if isinstance(content, dict) and "config_desc" in content and content["config_desc"] is None:
            return {**content, "config_desc": ""}
        return content


class ConfigurationListQuery(BaseModel):
    """Which configurations a list shows (T-158)."""

    per_page: int = Field(10, ge=1, le=1000, description="Configurations on a page.")
    page: int = Field(1, ge=1, le=65_535, description="The page, from 1.")
    sort_key: SortKey | None = Field(None, alias="sortBy", description="config_name where it is absent.")
    sort_by: SortKey | None = Field(None, description="The same as sortBy.")
    order: Literal["asc", "desc"] = Field("desc", description="Ascending or descending.")
    search_content: str = Field("", max_length=64, description="A part of the name, in any case.")
    config_type: ConfigType = Field("custom", description="custom: the project's own; sample: those that are shipped.")

    @model_validator(mode="after")
    def _sorted(self) -> "ConfigurationListQuery":
        if self.config_type == "sample" and "create_time" in (self.sort_key, self.sort_by):
            raise ValueError("sortBy: samples cannot be sorted by create_time")
        return self
