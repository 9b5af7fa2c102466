"""Bodies and queries of stored configurations (contract 002, section 5)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationInfo, field_validator, model_validator

from streams.views.training.bodies import CONFIG_PROPERTIES, absent_as

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
    config_desc: Annotated[StrictStr, absent_as("")] = Field("", description="For people.")


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
    config_type: ConfigType = Field("custom", description="custom: the project's own; sample: those that are shipped.")
    sort_key: SortKey | None = Field(None, alias="sortBy", description="config_name where it is absent.")
    sort_by: SortKey | None = Field(None, description="The same as sortBy.")
    order: Literal["asc", "desc"] = Field("desc", description="Ascending or descending.")
    search_content: str = Field("", max_length=64, description="A part of the name, in any case.")

    @field_validator("sort_key", "sort_by")
    @classmethod
    def _sorted(cls, key: SortKey | None, given: ValidationInfo) -> SortKey | None:
        if key == "create_time" and given.data.get("config_type") == "sample":
            raise ValueError("expected config_name or config_desc, which samples can be sorted by")
        return key
